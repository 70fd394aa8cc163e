"""A whole ingest in memory: real routes and validators, a fake broker, a clock that is told."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from redis.asyncio import Redis

from coop_contracts.config import (
    Action,
    ApiKey,
    Container,
    Document,
    Field,
    FieldRoles,
    ItemType,
    Kind,
    OrgSettings,
    Policy,
    ScalarType,
)
from coop_contracts.event import (
    ActionOrdered,
    AppealSubmitted,
    ItemSubmitted,
    ReportSubmitted,
)
from coop_ingest.app import build_api, connect_redis, publisher_of
from coop_ingest.lookup import Lookups
from coop_ingest.settings import Settings
from coop_ingest.verdict import Verdicts
from coop_runtime.internal.client import InternalApi
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_runtime.kafka.message import Message
from coop_runtime.process.error import BrokerUnavailable
from coop_runtime.redis.key_use import KeyUse

KEYS = {"org1": "key-of-org1", "org2": "key-of-org2"}
EVENTS = {
    "coop.items.v1": ItemSubmitted,
    "coop.reports.v1": ReportSubmitted,
    "coop.appeals.v1": AppealSubmitted,
    "coop.action-orders.v1": ActionOrdered,
}


class FakeBroker:
    """Takes what is published, or fails, or waits for `acknowledge`."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.fails = False
        self.acknowledge: asyncio.Event | None = None
        self.waiting = asyncio.Event()

    async def publish(self, messages: Sequence[Message], *, timeout: float = 5.0) -> None:  # noqa: ASYNC109
        if self.fails:
            raise BrokerUnavailable("down")
        if self.acknowledge is not None:
            self.waiting.set()
            await self.acknowledge.wait()
        self.messages += messages

    @property
    def events(self) -> list[Any]:
        return [msgspec.json.decode(m.value, type=EVENTS[m.topic]) for m in self.messages]


class Clock:
    """Wall clock and monotonic clock in one."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def pass_seconds(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Ingest:
    """The system under test and what is around it."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self.settings = settings
        self.clock = Clock()
        self.broker = FakeBroker()
        self.table = ConfigTable.of([])
        self.publisher = publisher_of(settings, self.broker)
        self.asked: list[httpx.Request] = []
        self.known: Callable[[httpx.Request], Any] = lambda _: httpx.Response(404)
        self.lookups = Lookups(
            InternalApi("http://lookup", "secret", timeout=1, transport=self._transport()),
            limit=settings.ingest_lookups,
        )
        self.verdicts = Verdicts(limit=settings.ingest_sync_waiting)
        self.app = build_api(
            settings,
            table=self.table,
            publisher=self.publisher,
            redis=redis,
            use=KeyUse(),
            verdicts=self.verdicts,
            lookups=self.lookups,
            now=self.clock.now,
            monotonic=self.clock.monotonic,
        )
        transport = httpx.ASGITransport(self.app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://coop")
        self.revision = 0

    def _transport(self) -> httpx.MockTransport:
        """Stands for review-api's internal API: answers what `known` says."""

        async def answer(request: httpx.Request) -> httpx.Response:
            self.asked.append(request)
            found = self.known(request)
            response: httpx.Response = await found if inspect.isawaitable(found) else found
            return response

        return httpx.MockTransport(answer)

    async def get(self, path: str, *, key: str | None = KEYS["org1"]) -> httpx.Response:
        headers = {} if key is None else {"x-api-key": key}
        return await self.client.get(f"/api/v1{path}", headers=headers)

    def configure(
        self, kind: Kind, document: Document | None, document_id: str, org: str = "org1"
    ) -> None:
        self.revision += 1
        self.table.apply(ConfigChange(org, kind, document_id, document, self.revision))

    async def post(
        self,
        path: str,
        body: Any,
        *,
        key: str | None = KEYS["org1"],
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """POST a value as JSON, or bytes as they are."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        sent = {"content-type": "application/json", **(headers or {})}
        if key is not None:
            sent["x-api-key"] = key
        return await self.client.post(f"/api/v1{path}", content=content, headers=sent)

    async def items(self, *items: Any, **more: Any) -> httpx.Response:
        return await self.post(more.pop("path", "/items/async/"), {"items": list(items)}, **more)


def api_key(org: str) -> ApiKey:
    return ApiKey(
        id="key",
        name="key",
        key_hash=hashlib.sha256(KEYS[org].encode()).hexdigest(),
        created_at=datetime(2025, 1, 1, tzinfo=UTC),
    )


def field(name: str, scalar: str, *, required: bool = False) -> Field:
    return Field(name=name, type=ScalarType(scalar), required=required)


POST_TYPE = ItemType(
    id="post",
    name="Post",
    kind="CONTENT",
    version="2026-01-01T00:00:00.000000Z",
    fields=(
        field("text", "STRING", required=True),
        field("author", "RELATED_ITEM"),
        field("likes", "NUMBER"),
        Field(
            name="tags",
            type="ARRAY",
            container=Container(container_type="ARRAY", value_scalar_type=ScalarType.STRING),
        ),
        field("link", "URL"),
        field("createdAt", "DATETIME"),
    ),
    field_roles=FieldRoles(creator_id="author", created_at="createdAt"),
)
USER_TYPE = ItemType(
    id="user", name="User", kind="USER", version="v", fields=(field("name", "STRING"),)
)
THREAD_TYPE = ItemType(
    id="thread", name="Thread", kind="THREAD", version="v", fields=(field("title", "STRING"),)
)


def fill(ingest: Ingest) -> None:
    """Two organisations; the second has only a key and a type of its own."""
    for org in KEYS:
        ingest.configure(Kind.API_KEY, api_key(org), "key", org)
    for document in (POST_TYPE, USER_TYPE, THREAD_TYPE):
        ingest.configure(Kind.ITEM_TYPE, document, document.id)
    other = msgspec.structs.replace(USER_TYPE, id="other-user")
    ingest.configure(Kind.ITEM_TYPE, other, "other-user", "org2")
    ingest.configure(Kind.POLICY, Policy(id="spam", name="Spam"), "spam")
    ingest.configure(Kind.POLICY, Policy(id="scam", name="Scam", parent_id="spam"), "scam")
    ingest.configure(Kind.ACTION, Action(id="delete", name="Delete"), "delete")
    ingest.configure(
        Kind.SETTINGS, OrgSettings(id="settings", name="One", has_appeals_enabled=True), "settings"
    )


@pytest.fixture
async def make_ingest() -> AsyncIterator[Callable[..., Ingest]]:
    """Builds an ingest with settings of one's own. Its Redis is away unless a URL is given."""
    made: list[tuple[Ingest, Redis]] = []

    def make(**settings: Any) -> Ingest:
        values = {"redis": "redis://127.0.0.1:1/0", **settings}
        configured = Settings(**values)
        redis = connect_redis(configured)
        ingest = Ingest(configured, redis)
        fill(ingest)
        made.append((ingest, redis))
        return ingest

    yield make
    for ingest, redis in made:
        await ingest.client.aclose()
        await ingest.lookups.aclose()
        await redis.aclose()


@pytest.fixture
def ingest(make_ingest: Callable[..., Ingest]) -> Ingest:
    return make_ingest()
