"""Reports that are filed to the stand-in over loopback, on a database of the test's own."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import Kind, LegalContact, NcmecSettings, WebhookKey
from coop_contracts.event import (
    CybertipProgressed,
    CybertipRequested,
    CybertipSecured,
    ItemRef,
    ReportedMedium,
    ReportedMessage,
    ReportedThread,
    ReportedUser,
)
from coop_local.testing import Databases
from coop_ncmec_reporter import store
from coop_ncmec_reporter.api.application import build
from coop_ncmec_reporter.api.context import Context
from coop_ncmec_reporter.app import filer_of
from coop_ncmec_reporter.check import DocumentCheck
from coop_ncmec_reporter.destroyer import Destroyer
from coop_ncmec_reporter.evidence import EvidenceStore
from coop_ncmec_reporter.fetch import Fetcher
from coop_ncmec_reporter.filer import Filer, Schedule
from coop_ncmec_reporter.keeper import FilingKeeper
from coop_ncmec_reporter.keeping import Keeping
from coop_ncmec_reporter.migrations import run as migrate
from coop_ncmec_reporter.place import Places
from coop_ncmec_reporter.preserving import Preserving
from coop_ncmec_reporter.signed_call import Platforms
from coop_ncmec_simulator.app import Simulator
from coop_ncmec_simulator.document import INTERFACE
from coop_runtime.database.engine import bootstrap, engine_of, owner_of, service_url, transaction
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.internal.client import InternalApi
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_runtime.process.http_server import HttpServer
from coop_runtime.secret.signing import new_rsa_key, new_webhook_secret
from coop_runtime.secret.vault import Vault


class AskedNcmec(BaseException):
    """A test reached for NCMEC: nothing may catch that."""


def refuse_ncmec(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook of the interpreter: no name of NCMEC's is looked up by any code of a test."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
        name = host.decode("latin-1") if isinstance(host, bytes) else str(host)
        if name.lower().rstrip(".").endswith(("cybertip.org", "missingkids.org", "ncmec.org")):
            raise AskedNcmec(name)


sys.addaudithook(refuse_ncmec)

Told = TypeVar("Told", CybertipProgressed, CybertipSecured)

ORG = "org1"
ROLE = "coop_ncmec"
PASSWORD = "the-password-of-the-esp"
VAULT = Vault([b"0" * 32])
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PIXELS = b"\x89PNG\r\n\x1a\n" + b"harmless pixels of a test, " * 200
WAIT = 60.0

RSA, _ = new_rsa_key()
SECRET = new_webhook_secret()


def schema_file() -> Path:
    """NCMEC's schema, where the machine has it; else our own description of the interface."""
    return Path(os.environ.get("COOP_NCMEC_XSD") or INTERFACE)


def settings_of(**more: Any) -> NcmecSettings:
    """Complete ones."""
    sealed = VAULT.encrypt(PASSWORD, context=f"{ORG}/{Kind.NCMEC_SETTINGS}/settings")
    given: dict[str, Any] = {
        "id": "settings",
        "enabled": True,
        "username": "esp",
        "password": sealed,
        "company_report_name": "Example",
        "legal_url": "https://example.com/legal",
        "contact_email": "safety@example.com",
        "contact_person": LegalContact(first_name="Pat", email="pat@example.com"),
    }
    return NcmecSettings(**given | more)


def keys() -> list[WebhookKey]:
    """Those that sign what platforms are asked."""
    found = []
    for scheme, secret in (("RSA_SHA256", RSA), ("STANDARD_WEBHOOKS", SECRET)):
        context = f"{ORG}/{Kind.WEBHOOK_KEY}/{scheme}"
        found.append(
            WebhookKey(
                id=scheme,
                scheme="RSA_SHA256" if scheme == "RSA_SHA256" else "STANDARD_WEBHOOKS",
                secret=VAULT.encrypt(secret, context=context),
                created_at=NOW,
            )
        )
    return found


def user(number: int = 1, **more: Any) -> ReportedUser:
    return ReportedUser(user=ItemRef(f"user-{number}", "user"), **more)


def medium(url: str, number: int = 1, **more: Any) -> ReportedMedium:
    given: dict[str, Any] = {
        "item": ItemRef(f"post-{number}", "post"),
        "field": "images",
        "url": url,
        "classification": "B2",
        "submitted_at": NOW - timedelta(hours=1),
    }
    return ReportedMedium(**given | more)


def thread(*texts: str) -> ReportedThread:
    return ReportedThread(
        thread=ItemRef("thread-1", "thread"),
        messages=tuple(
            ReportedMessage(
                item=ItemRef(f"message-{number}", "message"),
                text=text_,
                sent_at=NOW - timedelta(hours=2),
                sender=ItemRef("user-1", "user"),
            )
            for number, text_ in enumerate(texts)
        ),
    )


def requested(*media: ReportedMedium, **more: Any) -> CybertipRequested:
    given: dict[str, Any] = {
        "event_id": str(uuid.uuid4()),
        "org_id": ORG,
        "time": NOW,
        "correlation_id": "c",
        "cybertip_id": str(uuid.uuid4()),
        "decision_id": str(uuid.uuid4()),
        "job_id": "job",
        "queue_id": "queue",
        "reviewer_id": "reviewer",
        "environment": "TEST",
        "incident": "CHILD_PORNOGRAPHY",
        "user": user(display_names=("Somebody",), email="somebody@example.com"),
        "decided_at": NOW - timedelta(minutes=5),
        "config_revision": 1,
        "media": media,
    }
    return CybertipRequested(**given | more)


@dataclass
class Host:
    """A platform: its files by path, its answers to questions, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, dict[bytes, bytes], bytes]] = field(default_factory=list)
    url: str = ""

    def put(self, path: str, content: bytes = PIXELS) -> str:
        """Its address."""
        self.files[path] = content
        return self.url + path

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.asked.append((scope["path"], dict(scope["headers"]), body))
        found = self.files.get(scope["path"])
        status, content = (200, found) if found is not None else (404, b"")
        status, content = self.answers.get(scope["path"], (status, content))
        length = (b"content-length", str(len(content)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [length]})
        await send({"type": "http.response.body", "body": content})


@asynccontextmanager
async def serving(application: Any) -> AsyncIterator[str]:
    """Its address on loopback."""
    server = HttpServer(application, "127.0.0.1", 0)
    server.bind()
    task = asyncio.create_task(server.run())
    try:
        async with asyncio.timeout(WAIT):
            while not server.started:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.stop(0.1)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(task), 5)
        server.close()


def _prepare(url: str) -> None:
    bootstrap(url, {ROLE: "password", owner_of(ROLE): "owner-password"})
    migrate(service_url(url, owner_of(ROLE), "owner-password"))


@pytest.fixture
def database(databases: Databases) -> str:
    """The URL of the reporter's role on a migrated database of the test's own."""
    return service_url(databases.make(_prepare), ROLE, "password")


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    made = engine_of(database, pool_size=6, application_name="test")
    yield made
    await made.dispose()


@dataclass
class World:
    """One reporter, its platform, and the stand-in that it files to."""

    engine: AsyncEngine
    simulator: Simulator
    ncmec_url: str
    host: Host
    config: ConfigTable
    folder: Path
    filer: Filer
    preserving: Preserving
    keeper: FilingKeeper
    places: Places
    evidence: EvidenceStore
    destroyer: Destroyer
    api: InternalApi
    revision: int = 1

    def now(self) -> datetime:
        return self.simulator.now()

    def configure(self, settings: NcmecSettings) -> None:
        self.revision += 1
        self.config.apply(
            ConfigChange(ORG, Kind.NCMEC_SETTINGS, settings.id, settings, self.revision)
        )

    async def add(self, request: CybertipRequested) -> str:
        async with transaction(self.engine) as connection:
            await store.add(connection, VAULT, request, now=self.now())
        return request.cybertip_id

    async def find(self, cybertip_id: str) -> store.Cybertip:
        async with transaction(self.engine) as connection:
            found = await store.find(connection, ORG, cybertip_id)
        assert found is not None
        return found

    async def settle(self, *, ticks: int = 30, step: float = 70) -> None:
        """Everything is done that can be, time going by when nothing is due."""
        for _ in range(ticks):
            while await self.filer.once() or await self.preserving.once():
                pass
            if not await self.scalar(
                "SELECT count(*) FROM ncmec.cybertips "
                "WHERE state NOT IN ('DONE', 'NEEDS_ATTENTION')"
            ):
                return
            self.simulator.advance(step)

    async def file(self, request: CybertipRequested, **how: Any) -> store.Cybertip:
        """As far as it goes."""
        cybertip_id = await self.add(request)
        await self.settle(**how)
        return await self.find(cybertip_id)

    async def scalar(self, statement: str, **values: Any) -> Any:
        async with transaction(self.engine) as connection:
            return await connection.scalar(text(statement), values)

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        async with transaction(self.engine) as connection:
            return list(await connection.execute(text(statement), values))

    async def told(self) -> list[CybertipProgressed]:
        """What is on its way to the topic of results."""
        return await self._published(CybertipProgressed)

    async def secured(self) -> list[CybertipSecured]:
        """What is on its way to the topic of evidence."""
        return await self._published(CybertipSecured)

    async def _published(self, kind: type[Told]) -> list[Told]:
        rows = await self.rows(
            "SELECT value FROM ncmec.outbox WHERE topic = :topic ORDER BY id", topic=kind.topic
        )
        return [msgspec.json.decode(bytes(row.value), type=kind) for row in rows]

    def told_of(self, told: list[CybertipProgressed], cybertip_id: str) -> list[CybertipProgressed]:
        return [one for one in told if one.cybertip_id == cybertip_id]

    def filed(self, cybertip_id: str) -> list[Any]:
        """Finished reports of it at the stand-in."""
        return self.simulator.reports.finished().get(cybertip_id, [])

    def plan(self, *faults: dict[str, Any]) -> None:
        from coop_ncmec_simulator.fault import PlannedFault

        self.simulator.plan.set(msgspec.convert(faults, tuple[PlannedFault, ...]))


WorldOf = Callable[..., Awaitable[World]]


@pytest.fixture
async def world_of(engine: AsyncEngine, tmp_path: Path) -> AsyncIterator[WorldOf]:
    """Makes the world; `production`: what the operator set; `has_file`: whether the
    reporter has a schema."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(
            *,
            settings: NcmecSettings | None = None,
            production: bool = False,
            lease: float = 30,
            at_once: int = 1,
            seconds: float = 30,
            fetches: tuple[float, ...] = (10, 10),
            has_file: bool = True,
            **how: Any,
        ) -> World:
            simulator = Simulator(
                users={"esp": PASSWORD}, schema=schema_file(), clock=lambda: NOW, **how
            )
            host = Host()
            ncmec = await stack.enter_async_context(serving(simulator))
            host.url = await stack.enter_async_context(serving(host))
            changes = [
                ConfigChange(ORG, Kind.NCMEC_SETTINGS, "settings", settings or settings_of(), 1),
                *(ConfigChange(ORG, Kind.WEBHOOK_KEY, one.id, one, 1) for one in keys()),
            ]
            config = ConfigTable.of(changes)
            guard = EgressGuard(["127.0.0.0/8"])
            platforms = Platforms(guard, VAULT, config)
            fetcher = Fetcher(guard, most=10**8)
            stack.push_async_callback(platforms.aclose)
            stack.push_async_callback(fetcher.aclose)
            places = Places(
                platforms=platforms,
                test_url=f"{ncmec}/ispws",
                production_url=f"{ncmec}/ispws",
                production=production,
                outside=False,
                seconds=seconds,
            )
            folder = tmp_path / "evidence"
            evidence = EvidenceStore(folder, VAULT, most=10**8)
            check = DocumentCheck(schema_file() if has_file else None)
            preserving = Preserving(engine, VAULT, platforms, clock=simulator.now)
            filer = filer_of(
                engine,
                VAULT,
                places,
                evidence,
                fetcher,
                check,
                preserving,
                schedule=Schedule(lease=lease, poll=0.05, at_once=at_once),
                fetches=fetches,
            )
            keeping = Keeping()
            keeper = FilingKeeper(engine, places, filer.wake, keeping, check, clock=simulator.now)
            destroyer = Destroyer(engine, evidence, clock=simulator.now)
            context = Context(
                engine=engine,
                vault=VAULT,
                wake=filer.wake,
                clock=simulator.now,
                keeping=keeping,
                destroyer=destroyer,
                places=places,
                check=check,
            )
            api = InternalApi(
                "http://reporter",
                "",
                timeout=30,
                transport=httpx.ASGITransport(app=build(context)),
            )
            stack.push_async_callback(api.aclose)
            return World(
                engine=engine,
                simulator=simulator,
                ncmec_url=ncmec,
                host=host,
                config=config,
                folder=folder,
                filer=filer,
                preserving=preserving,
                keeper=keeper,
                places=places,
                evidence=evidence,
                destroyer=destroyer,
                api=api,
            )

        yield make


@pytest.fixture
async def world(world_of: WorldOf) -> World:
    return await world_of()


def in_clear(content: bytes) -> list[bytes]:
    """How a content would be found: its bytes, and their base64 at any offset."""
    encoded = [base64.b64encode(content[n : n + 300])[4:-8] for n in range(3)]
    return [content[40:80], *(one[:60] for one in encoded)]


def on_disk(folder: Path) -> dict[str, bytes]:
    """Every file below it, by its path."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
