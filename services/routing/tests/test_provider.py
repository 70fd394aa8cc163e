"""Routing with the real providers' front: a model over HTTP, its failures, its breaker."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from coop_contracts.config import Integration, Kind
from coop_routing.entry_router import PendingEntry
from coop_routing.placement import traits_of
from coop_routing.route_table import RouteTables
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.secret.vault import Vault
from coop_signals.plugin import load
from coop_signals.providers import Providers
from coop_signals.settings import SignalSettings

from .conftest import Configuration, NoStrikes, item, report, router_of, rule, scores

GOOGLE = "GOOGLE_CONTENT_SAFETY_API"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
PATIENCE = 20.0


@dataclass
class Model:
    """A server that hosts an image and classifies it; without a `priority` it never answers."""

    url: str = ""
    priority: str | None = "HIGH"
    calls: int = 0
    connections: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = head.partition("content-length: ")[2].partition("\r\n")[0]
                await reader.readexactly(int(length or 0))
                body = PNG
                if head.startswith("post "):
                    self.calls += 1
                    if self.priority is None:
                        await asyncio.sleep(3600)
                    body = json.dumps({"reviewPriorities": [self.priority]}).encode()
                writer.write(
                    f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
                )
                await writer.drain()


@pytest.fixture
async def model() -> AsyncIterator[Model]:
    made = Model()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()
    for writer in made.connections:
        writer.transport.abort()


Settle = Callable[[str], Awaitable[PendingEntry]]


@pytest.fixture
async def settle(
    configuration: Configuration, tables: RouteTables, model: Model, org: str
) -> AsyncIterator[Settle]:
    """Routes a report of an image by a rule that asks Google, with 2 s for the answer."""
    vault = Vault([b"k" * 32])
    sealed = vault.encrypt(json.dumps({"apiKey": "key"}), context=f"{org}/integration/{GOOGLE}")
    configuration.put(Kind.INTEGRATION, Integration(id=GOOGLE, credential=sealed))
    high = scores(f"{GOOGLE}_IMAGE", "picture", "GREATER_THAN_OR_EQUALS", "HIGH")
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "urgent", high))
    told: dict[str, Any] = {"internal_port": 0, "signal_google_url": model.url}
    providers = Providers.of(
        SignalSettings(**told),
        configuration.table,
        vault,
        guard=EgressGuard(("127.0.0.0/8",)),
        known=load([]),
    )
    entry_router = router_of(tables, providers, NoStrikes(), seconds=2)

    async def run(name: str) -> PendingEntry:
        event = report(org, name, item(name, picture={"url": f"{model.url}/{name}.png"}))
        entry = await entry_router.open(org, event.item, traits_of(event), at=event.time)
        await asyncio.wait_for(entry_router.settle([entry]), PATIENCE)
        return entry

    yield run
    await providers.aclose()


async def test_google_decides(settle: Settle, model: Model) -> None:
    """The image is fetched and classified; the priority decides, and is recorded."""
    entry = await settle("a")
    assert (entry.choice.queue_id, entry.route().routing.signals[0].score) == ("urgent", "HIGH")
    model.priority = "LOW"
    assert (await settle("b")).choice.queue_id == "default"


async def test_a_dead_provider_is_left_alone(settle: Settle, model: Model) -> None:
    """A provider that never answers costs its deadline a few times; then its breaker is open, and
    entries are placed without asking it: the rule is undecided, and the record says why."""
    model.priority = None

    async def reason(name: str) -> str:
        entry = await settle(name)
        assert entry.choice.queue_id == "default"
        return entry.choice.undecided[0].reasons[0]

    # On a busy machine a call may be cut so short that it says nothing of the provider.
    waited = 0
    while "left alone" not in await reason(f"a{waited}"):
        waited += 1
        assert waited < 15
    assert waited >= 5
    asked = model.calls
    reasons = [await reason(f"b{number}") for number in range(20)]
    # A probe goes out now and then, and waits.
    assert sum("left alone" in one for one in reasons) >= 15
    assert model.calls - asked <= 5
