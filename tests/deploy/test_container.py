"""The compose file really run: every role in its container, and a platform outside.

One stack for all; the tests follow each other, and each leaves it whole.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from coop_local.demo.console_client import ConsoleClient
from coop_local.demo.corpus import CorpusMessage
from coop_local.demo.organisation import OrganisationBuilder
from coop_local.demo.platform import Platform
from coop_local.demo.sender import CorpusSender
from coop_local.engine import write_private

from .compose import ENGINE_PASSWORD, ComposeStack, why_not

pytestmark = [
    pytest.mark.containers,
    # The first of them starts everything; a busy machine takes minutes for that.
    pytest.mark.timeout(600),
    pytest.mark.skipif(why_not() is not None, reason=f"containers: {why_not()}"),
]

_SECONDS = 180.0
_SCAM = CorpusMessage(text="You won the lottery, claim now", label="scam")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def ports() -> dict[str, str]:
    return {"COOP_INGEST_PORT": str(free_port()), "COOP_REVIEW_PORT": str(free_port())}


@pytest.fixture(scope="module")
def stack(ports: dict[str, str]) -> Iterator[ComposeStack]:
    made = ComposeStack(
        f"cooptest{uuid.uuid4().hex[:8]}",
        {
            "COOP_IMAGE": os.environ["COOP_TEST_IMAGE"],
            "COOP_ENGINE_PASSWORD": ENGINE_PASSWORD,
            # The platform of the tests is this machine, as containers see it.
            "COOP_EGRESS_ALLOW": "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16",
            **ports,
        },
    )
    try:
        made.up()
        yield made
    finally:
        made.down()


@dataclass
class World:
    """An organisation with rules, and its platform."""

    ingest: str
    api_key: str
    ids: dict[str, dict[str, str]]
    platform: str

    def sender(self, prefix: str) -> CorpusSender:
        return CorpusSender(
            ingest_url=self.ingest,
            api_key=self.api_key,
            item_types=self.ids["item-types"],
            prefix=prefix,
        )

    async def times(self, prefix: str) -> Counter[str]:
        """How often the platform got a verified webhook, by the item's id."""
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            said = (await http.get(f"{self.platform}/received?itemPrefix={prefix}")).json()
        assert said["refused"] == 0
        counted: Counter[str] = Counter()
        for delivery in said["deliveries"]:
            counted[delivery["itemId"]] += 1
        return counted

    async def delivered(self, prefix: str, count: int) -> Counter[str]:
        """The same, once `count` items are there."""
        found: Counter[str] = Counter()
        async with asyncio.timeout(_SECONDS):
            while len(found) < count:
                found = await self.times(prefix)
                await asyncio.sleep(0.2)
        return found


@pytest.fixture(scope="module")
async def world(
    stack: ComposeStack, ports: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    created: dict[str, Any] = json.loads(
        stack.call("run", "--rm", "organisation", "--name", "Largo", "--admin-email", "a@b.example")
        .strip()
        .splitlines()[-1]
    )
    keys: Path = tmp_path_factory.mktemp("platform") / "keys.json"
    write_private(
        keys,
        json.dumps(
            {"webhookSecrets": [created["webhookSecret"]], "publicKeys": [created["publicKey"]]}
        ),
    )
    listening = socket.create_server((stack.gateway(), 0))
    host, port = listening.getsockname()
    server = uvicorn.Server(
        uvicorn.Config(Platform(keys), log_level="warning", access_log=False, lifespan="off")
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    platform = f"http://{host}:{port}"
    async with ConsoleClient(f"http://127.0.0.1:{ports['COOP_REVIEW_PORT']}") as console:
        await console.log_in(created["admin"]["email"], created["admin"]["password"])
        ids = await OrganisationBuilder(console, f"{platform}/webhooks").build()
    yield World(f"http://127.0.0.1:{ports['COOP_INGEST_PORT']}", created["apiKey"], ids, platform)
    server.should_exit = True
    await serving


async def send(world: World, prefix: str, count: int, *, rate: float) -> None:
    sender = world.sender(prefix)
    try:
        await sender.send([_SCAM] * count, rate=rate, batch=1, report_every=0)
    finally:
        await sender.close()
    assert len(sender.accepted_at) == count


async def settled(stack: ComposeStack) -> None:
    """All are ready again. Compose's own wait gives up on who was not for a while."""
    async with asyncio.timeout(_SECONDS):
        while await asyncio.to_thread(stack.waiting):  # noqa: ASYNC110 - Compose tells nobody
            await asyncio.sleep(1)


async def test_an_item_becomes_a_verified_webhook(world: World) -> None:
    """From the platform through the containers and back, both signatures verified, once."""
    await send(world, "first-", 3, rate=10)
    assert set((await world.delivered("first-", 3)).values()) == {1}


def test_every_container_is_confined(stack: ComposeStack) -> None:
    """An ordinary user, a root that cannot be written, no capability, no way to get one."""
    for service in ("ingest", "rules-engine", "review-api", "review-relay", "ncmec-reporter"):
        (container,) = stack.containers(service)
        found = stack.state(container)
        assert found["Config"]["User"] == "10001:10001", service
        assert found["HostConfig"]["ReadonlyRootfs"], service
        assert found["HostConfig"]["CapDrop"] == ["ALL"], service
        status = stack.docker(
            "exec", container, "grep", "-E", "CapEff|NoNewPrivs", "/proc/1/status"
        )
        assert status.split() == ["CapEff:", "0000000000000000", "NoNewPrivs:", "1"], service


def test_the_console_is_served(ports: dict[str, str], stack: ComposeStack) -> None:
    """Its page and what the page loads come with review-api's image."""
    base = f"http://127.0.0.1:{ports['COOP_REVIEW_PORT']}"
    page = httpx.get(base, trust_env=False)
    assert page.status_code == 200
    assert 'type="module"' in page.text


async def test_killed_processes_lose_and_double_nothing(world: World, stack: ComposeStack) -> None:
    """SIGKILL to each role that an item passes, under load; all is delivered, each item once."""
    sending = asyncio.create_task(send(world, "killed-", 60, rate=6))
    for service in ("rules-engine", "action-dispatcher", "review-relay", "routing"):
        (container,) = stack.containers(service)
        await asyncio.to_thread(stack.docker, "kill", "--signal", "KILL", container)
        await asyncio.to_thread(stack.docker, "start", container)
    await sending
    counted = await world.delivered("killed-", 60)
    assert set(counted.values()) == {1}
    await settled(stack)


async def test_engines_that_are_away_are_waited_for(world: World, stack: ComposeStack) -> None:
    """Each stopped for a while under load: what was accepted is delivered, and no container had to
    be started again."""
    services = ("rules-engine", "routing", "action-dispatcher", "review-relay")
    before = {service: stack.state(stack.containers(service)[0]) for service in services}
    sending = asyncio.create_task(send(world, "away-", 30, rate=1))
    for engine in ("postgres", "valkey", "kafka"):
        await asyncio.to_thread(stack.call, "stop", engine)
        await asyncio.sleep(5)  # the outage itself
        await asyncio.to_thread(stack.call, "start", engine)
    await sending
    counted = await world.delivered("away-", 30)
    assert set(counted.values()) == {1}
    await settled(stack)
    for service, was in before.items():
        now = stack.state(stack.containers(service)[0])
        assert now["State"]["StartedAt"] == was["State"]["StartedAt"], service


async def test_a_service_is_scaled_and_stops_in_order(world: World, stack: ComposeStack) -> None:
    """One to three and back under load, with exit code 0 for who was told to go, and nothing lost
    or doubled."""
    sending = asyncio.create_task(send(world, "scaled-", 90, rate=3))
    await asyncio.to_thread(stack.up, "--no-recreate", "--scale", "rules-engine=3")
    assert len(stack.containers("rules-engine")) == 3
    stopped = stack.containers("rules-engine")[1:]
    await asyncio.to_thread(stack.docker, "stop", "--time", "30", *stopped, seconds=90)
    codes = {stack.state(container)["State"]["ExitCode"] for container in stopped}
    await asyncio.to_thread(stack.up, "--no-recreate", "--scale", "rules-engine=1")
    await sending
    assert codes == {0}
    assert set((await world.delivered("scaled-", 90)).values()) == {1}
