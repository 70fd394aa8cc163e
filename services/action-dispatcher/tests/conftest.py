"""Fixtures of the dispatcher's tests: requests, configuration, a database, platforms."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import msgspec
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_action_dispatcher.api.application import build, guarded
from coop_action_dispatcher.api.context import Context
from coop_action_dispatcher.breaker import BreakerLimits
from coop_action_dispatcher.connection import prepare
from coop_action_dispatcher.dispatcher_wiring import assemble
from coop_action_dispatcher.handler import new_delivery
from coop_action_dispatcher.keyring import Keyring
from coop_action_dispatcher.migrations import run as migrate
from coop_action_dispatcher.sender import MAX_READ, Sender
from coop_action_dispatcher.signer import Signer
from coop_action_dispatcher.slot import Slots
from coop_action_dispatcher.strike_index import client_of
from coop_action_dispatcher.strike_store import Strikes
from coop_action_dispatcher.trial import TRIAL_SECONDS, Trials
from coop_action_dispatcher.tuning import Tuning
from coop_contracts.config import Action, Document, ItemType, Kind, Policy, WebhookKey
from coop_contracts.dispatch import CALLS
from coop_contracts.event import ActionRequested, ItemRef
from coop_runtime.database.engine import bootstrap, engine_of, service_url
from coop_runtime.egress.guard import EgressGuard, Resolver, resolve
from coop_runtime.egress.post import Poster
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_runtime.secret.signing import new_rsa_key, new_webhook_secret
from coop_runtime.secret.vault import Vault

ORG = "org-1"
SECRET_KEY = b"k" * 32
TOKEN = "a-token-of-the-stack"
OWN_HEADER_SECRET = "Bearer platform-secret-token"
SPAM = Policy(id="p-spam", name="Spam", penalty="HIGH")


def _make_request(item: str | ItemRef = "post-1", **fields: Any) -> ActionRequested:
    """A request of action `a-1` on an item, of type `t-1` where only its id is given."""
    values: dict[str, Any] = {
        "event_id": str(uuid.uuid4()),
        "org_id": ORG,
        "time": datetime.now(UTC),
        "correlation_id": "submission-1",
        "execution_id": str(uuid.uuid4()),
        "action_id": "a-1",
        "item": item if isinstance(item, ItemRef) else ItemRef(item, "t-1"),
        "source": "RULE_EXECUTION",
        "config_revision": 1,
    }
    return ActionRequested(**{**values, **fields})


@pytest.fixture
def make_request() -> Callable[..., ActionRequested]:
    """Makes requests of action `a-1` on an item of type `t-1`."""
    return _make_request


@dataclass
class Keys:
    """The keys of an organisation in clear, and their documents."""

    rsa_public: str
    secret: str
    old_secret: str
    documents: list[WebhookKey]


class Configuration:
    """A configuration table that a test changes; each change is a new revision."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.table = ConfigTable.of([])
        self.revision = 0

    def put(self, kind: Kind, document: Document, *, org_id: str = ORG) -> None:
        self.revision += 1
        self.table.apply(ConfigChange(org_id, kind, document.id, document, self.revision))

    def remove(self, kind: Kind, document_id: str, *, org_id: str = ORG) -> None:
        self.revision += 1
        self.table.apply(ConfigChange(org_id, kind, document_id, None, self.revision))

    def put_action(self, url: str | None, *, action_id: str = "a-1", **fields: Any) -> None:
        headers = '{"Authorization": "' + OWN_HEADER_SECRET + '"}'
        values: dict[str, Any] = {
            "id": action_id,
            "name": "Remove post",
            "callback_url": url,
            "callback_url_headers": self.vault.encrypt(
                headers, context=f"{ORG}/{Kind.ACTION}/{action_id}"
            ),
        }
        self.put(Kind.ACTION, Action(**{**values, **fields}))

    def put_keys(self) -> Keys:
        private, public = new_rsa_key()
        secret, old = new_webhook_secret(), new_webhook_secret()
        documents = [
            self.key("rsa-1", "RSA_SHA256", private, datetime(2026, 1, 1, tzinfo=UTC)),
            self.key("std-2", "STANDARD_WEBHOOKS", secret, datetime(2026, 2, 1, tzinfo=UTC)),
            self.key(
                "std-1", "STANDARD_WEBHOOKS", old, datetime(2026, 1, 1, tzinfo=UTC), "RETIRING"
            ),
        ]
        for document in documents:
            self.put(Kind.WEBHOOK_KEY, document)
        return Keys(public, secret, old, documents)

    def key(
        self, key_id: str, scheme: Any, secret: str, created_at: datetime, status: Any = "ACTIVE"
    ) -> WebhookKey:
        sealed = self.vault.encrypt(secret, context=f"{ORG}/{Kind.WEBHOOK_KEY}/{key_id}")
        return WebhookKey(
            id=key_id, scheme=scheme, secret=sealed, created_at=created_at, status=status
        )


@pytest.fixture
def configuration() -> Configuration:
    """An organisation with an item type and a policy, without action and keys."""
    made = Configuration(Vault([SECRET_KEY]))
    made.put(Kind.ITEM_TYPE, ItemType(id="t-1", name="Post", kind="CONTENT", fields=(), version=""))
    made.put(Kind.POLICY, SPAM)
    return made


@dataclass
class Hit:
    """One request that reached the platform."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def webhook_id(self) -> str:
        return self.headers["webhook-id"]


Behave = Callable[[Hit, asyncio.StreamWriter], Awaitable[None]]


async def _answer(
    writer: asyncio.StreamWriter, status: int = 200, body: bytes = b"ok", **headers: str
) -> None:
    """A whole HTTP/1.1 answer; header names with `_` for `-`."""
    lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()


async def honest(_hit: Hit, writer: asyncio.StreamWriter) -> None:
    """Takes everything with 200."""
    await _answer(writer)


class Platform:
    """A real HTTP server on loopback that behaves as it is told and remembers what came."""

    def __init__(self) -> None:
        self.hits: list[Hit] = []
        self.behave: Behave = honest
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/hook?token=url-secret"

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._server is not None:
            self._server.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def ids(self) -> list[str]:
        return [hit.webhook_id for hit in self.hits]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while not writer.is_closing():
                    hit = await self._read(reader)
                    self.hits.append(hit)
                    await self.behave(hit, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Hit:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if line)
        headers = {name.lower(): value for name, value in headers.items()}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Hit(first.split(" ")[1], headers, body)


@pytest.fixture
async def make_platform() -> AsyncIterator[Callable[[], Awaitable[Platform]]]:
    """Makes platforms that take everything, until a test tells them otherwise."""
    made: list[Platform] = []

    async def make() -> Platform:
        made.append(Platform())
        await made[-1].start()
        return made[-1]

    yield make
    for one in made:
        await one.stop()


@pytest.fixture
async def platform(make_platform: Callable[[], Awaitable[Platform]]) -> Platform:
    """A platform that takes everything, until a test tells it otherwise."""
    return await make_platform()


@pytest.fixture
def answer() -> Callable[..., Awaitable[None]]:
    """Writes a whole HTTP answer."""
    return _answer


@pytest.fixture(scope="session")
def dispatch_url(postgres_admin_url: str) -> str:
    """The URL of role coop_dispatch on a migrated database."""
    passwords = {"coop_dispatch": "dispatch-password", "coop_dispatch_owner": "owner-password"}
    bootstrap(postgres_admin_url, passwords)
    owner = service_url(postgres_admin_url, "coop_dispatch_owner", "owner-password")
    migrate(owner)
    with psycopg.connect(owner) as connection:  # tests empty the tables, which no service does
        connection.execute("GRANT TRUNCATE ON ALL TABLES IN SCHEMA dispatch TO coop_dispatch")
    return service_url(postgres_admin_url, "coop_dispatch", "dispatch-password")


@pytest.fixture(scope="session")
async def engine(dispatch_url: str) -> AsyncIterator[AsyncEngine]:
    """One for all tests: its connections stay open, its statements stay compiled."""
    made = engine_of(dispatch_url, pool_size=8, application_name="test")
    prepare(made)
    yield made
    await made.dispose()


@pytest.fixture
async def database(engine: AsyncEngine) -> AsyncEngine:
    """An engine on empty tables."""
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "TRUNCATE dispatch.deliveries, dispatch.requests, dispatch.attempts,"
                " dispatch.owners, dispatch.outbox, dispatch.endpoints,"
                " dispatch.endpoint_minutes, dispatch.rule_executions"
            )
        )
    return engine


_ROOT = Path(__file__).resolve().parents[3]
_CONTRACT = json.loads((_ROOT / "libs/contracts/frozen/dispatch.v1.schema.json").read_text())


def _call_of(request: httpx.Request) -> str | None:
    below = re.sub(f"^{_CONTRACT['root']}/[^/]+/", "", request.url.path)
    for name, call in _CONTRACT["calls"].items():
        path = re.sub(r"\{\w+\}", "[^/]+", call["path"])
        if call["method"] == request.method and re.fullmatch(path, below):
            return str(name)
    return None


async def _keeps_contract(response: httpx.Response) -> None:
    """An answer is one of its call, and a refusal a problem, as the frozen contract says."""
    name = _call_of(response.request)
    if name is None:
        return
    await response.aread()
    call = _CONTRACT["calls"][name]
    schema = _CONTRACT["problem"]
    if response.is_success:
        assert response.status_code == call["status"]
        schema = call["answers"]
        msgspec.json.decode(response.content, type=CALLS[name].answers)
    jsonschema.validate(response.json(), {**schema, "$defs": _CONTRACT["$defs"]})


@pytest.fixture
async def make_trials(configuration: Any) -> AsyncIterator[Callable[..., Trials]]:
    """Makes what sends trials, with the operator's leave to `allow`."""
    posters: list[Poster] = []
    with ThreadPoolExecutor(1) as executor:

        def make(*allow: str) -> Trials:
            posters.append(EgressGuard(allow).poster(timeout=TRIAL_SECONDS, max_read=MAX_READ))
            table = configuration.table
            keyring = Keyring(configuration.vault, table, Signer(executor, workers=1))
            return Trials(table, keyring, Sender(posters[-1]))

        yield make
        for poster in posters:
            await poster.aclose()


@pytest.fixture
async def make_client(
    database: AsyncEngine, make_trials: Callable[..., Trials], redis_url: str
) -> AsyncIterator[Callable[..., httpx.AsyncClient]]:
    """Makes clients of the internal API; what it answers them keeps the contract."""
    made: list[httpx.AsyncClient] = []
    redis = client_of(redis_url)

    def make(engine: AsyncEngine = database, path: str = "") -> httpx.AsyncClient:
        context = Context(engine=engine, trials=make_trials("127.0.0.0/8"), redis=redis)
        app = guarded(build(context), token=TOKEN)
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url=f"http://dispatch{path}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            event_hooks={"response": [_keeps_contract]},
        )
        made.append(client)
        return client

    yield make
    for one in made:
        await one.aclose()
    await redis.aclose()


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    """Polls until a condition holds; fails with the deadline (seconds)."""

    async def poll(condition: Callable[[], Any], within: float = 10.0) -> None:
        deadline = time.monotonic() + within
        while True:
            value = condition()
            if isinstance(value, Awaitable):
                value = await value
            if value:
                return
            assert time.monotonic() < deadline, "the condition did not come to hold in time"
            await asyncio.sleep(0.01)

    return poll


FAST = (0.05,) * 9
PATIENT = BreakerLimits(failures=1000, share=2.0)
"""Breakers that never open: tests of a single delivery fail often."""


@pytest.fixture
def start(database: Any, configuration: Any) -> Callable[..., Any]:
    """Runs a dispatcher of its own for the length of a block."""

    @asynccontextmanager
    async def run(
        delays: tuple[float, ...] = FAST,
        *,
        deadline: float = 5.0,
        slots: Slots | None = None,
        allow: tuple[str, ...] = ("127.0.0.0/8",),
        breaker: BreakerLimits = PATIENT,
        resolver: Resolver = resolve,
    ) -> AsyncIterator[Any]:
        table = configuration.table
        guard = EgressGuard(allow, resolver=resolver)
        poster = guard.poster(timeout=deadline, max_read=MAX_READ)
        with ThreadPoolExecutor(1) as executor:
            dispatcher = assemble(
                Tuning(
                    timeout=deadline,
                    retry_delays=delays,
                    heartbeat=0.2,
                    record_linger=0.001,
                    breaker=breaker,
                    drain=2.0,
                ),
                engine=database,
                config=table,
                vault=configuration.vault,
                poster=poster,
                signer=Signer(executor, workers=1),
                strikes=Strikes(table),
                slots=slots or Slots(total=64, per_endpoint=16),
            )
            task = asyncio.create_task(dispatcher.run())
            table.subscribe(lambda change: dispatcher.config_changed(change.org_id))
            try:
                yield dispatcher
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                await poster.aclose()

    return run


@pytest.fixture
def request_action(configuration: Any, make_request: Any) -> Callable[..., Any]:
    """Hands requests to a dispatcher as the handler does; gives their execution ids."""

    async def give(dispatcher: Any, *items: str, **fields: Any) -> list[str]:
        batch = [
            new_delivery(make_request(item, **fields), configuration.table)
            for item in items or ("post-1",)
        ]
        await dispatcher.accept(batch)
        return [delivery.execution_id for delivery in batch]

    return give


@pytest.fixture
def rows(database: Any) -> Callable[..., Any]:
    """Runs a query; gives its rows."""

    async def query(statement: str, **parameters: Any) -> Any:
        async with database.connect() as connection:
            return (await connection.execute(text(statement), parameters)).all()

    return query


@pytest.fixture
def ended(rows: Any, eventually: Any) -> Callable[..., Any]:
    """Waits until nothing is pending; gives (state, attempts, status, error) in order."""

    async def wait(within: float = 10.0) -> list[tuple[Any, ...]]:
        async def nothing_pending() -> bool:
            try:
                found = await rows(
                    "SELECT count(*) FROM dispatch.deliveries WHERE state = 'PENDING'"
                )
            except OperationalError:  # a test cuts connections, this one too
                return False
            return bool(found[0][0] == 0)

        await eventually(nothing_pending, within)
        found = await rows(
            "SELECT state, attempts, last_status, last_error FROM dispatch.deliveries ORDER BY seq"
        )
        return [tuple(row) for row in found]

    return wait
