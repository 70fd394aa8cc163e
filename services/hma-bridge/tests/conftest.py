"""Fixtures of the bridge's tests: a platform's host, a database, the bridge without a broker."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import Document, Field, HashBank, ItemType, Kind, ScalarType
from coop_contracts.event import (
    ItemRef,
    ItemSubmitted,
    MediaSignals,
    ReportSubmitted,
    SubmittedItem,
)
from coop_hma_bridge.bank import BankNumbers
from coop_hma_bridge.book import HashBook
from coop_hma_bridge.file_hash import Hasher
from coop_hma_bridge.follower import Follower
from coop_hma_bridge.handler import MediaHandler, Remember
from coop_hma_bridge.matcher import EmbeddedMatcher, Matcher
from coop_hma_bridge.migrations import run as migrate
from coop_hma_bridge.reach import Reach
from coop_hma_bridge.seen import SeenMedium
from coop_hma_bridge.submission import SubmittedMedia
from coop_local.testing import Databases
from coop_media.decoder import Decoders
from coop_media.fetch import Fetcher
from coop_media.limit import FetchLimits, PlaceLimits
from coop_runtime.database.engine import bootstrap, engine_of, owner_of, service_url
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_runtime.kafka.message import Message, Received
from coop_runtime.process.error import BrokerUnavailable
from coop_runtime.process.settings import RuntimeSettings

from .media_host import Host, hosting

ORG = "org1"
ROLE = "coop_hashes"
TIME = datetime(2026, 1, 1, tzinfo=UTC)
WAIT = 30.0

TYPE = ItemType(
    id="post",
    name="Post",
    kind="CONTENT",
    version="v1",
    fields=(
        Field(name="text", type=ScalarType.STRING),
        Field(name="picture", type=ScalarType.IMAGE),
        Field(name="film", type=ScalarType.VIDEO),
        Field(name="other", type=ScalarType.MEDIA),
    ),
)


def bank(bank_id: str = "b1", ratio: float = 1.0, *, good: bool = False) -> HashBank:
    return HashBank(
        id=bank_id,
        name=bank_id,
        hma_name=f"COOP_{bank_id.upper()}",
        enabled_ratio=ratio,
        known_good=good,
    )


def table_of(*documents: tuple[Kind, Document], org: str = ORG) -> ConfigTable:
    changes = [
        ConfigChange(org, kind, document.id, document, revision)
        for revision, (kind, document) in enumerate(documents, 1)
    ]
    return ConfigTable.of(changes)


def submitted(data: dict[str, Any], *, item_id: str = "p1") -> SubmittedItem:
    return SubmittedItem(
        id=item_id,
        type_id="post",
        type_version="v1",
        data=msgspec.Raw(msgspec.json.encode(data)),
        schema_variant="original",
        creator=None,
        submission_id=str(uuid.uuid4()),
    )


def item(data: dict[str, Any], *, org: str = ORG, awaits: bool = True) -> ItemSubmitted:
    found = submitted(data)
    assert found.submission_id is not None
    return ItemSubmitted(
        event_id=str(uuid.uuid4()),
        org_id=org,
        time=TIME,
        correlation_id=found.submission_id,
        submission_id=found.submission_id,
        item=found,
        request_id="r",
        config_revision=1,
        awaits_media=awaits,
    )


def report(data: dict[str, Any], *more: dict[str, Any]) -> ReportSubmitted:
    return ReportSubmitted(
        event_id=str(uuid.uuid4()),
        org_id=ORG,
        time=TIME,
        correlation_id="c",
        report_id=str(uuid.uuid4()),
        reporter=ItemRef("u1", "user"),
        reported_at=TIME,
        item=submitted(data),
        config_revision=1,
        additional_items=tuple(
            submitted(one, item_id=f"more{number}") for number, one in enumerate(more)
        ),
        awaits_media=True,
    )


def received(event: Any) -> Received[Any]:
    return Received(event, b"k", event.topic, 0, 0, {}, 0)


@dataclass
class Said:
    """Takes what the bridge publishes, or fails; and what it remembers."""

    messages: list[Message] = field(default_factory=list)
    seen: list[SeenMedium] = field(default_factory=list)
    fails: bool = False

    async def publish(self, messages: Sequence[Message]) -> None:
        if self.fails:
            raise BrokerUnavailable("down")
        self.messages += messages

    async def remember(self, media: Sequence[SeenMedium]) -> None:
        self.seen += media

    @property
    def events(self) -> list[MediaSignals]:
        return [msgspec.json.decode(one.value, type=MediaSignals) for one in self.messages]


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    async with hosting() as found:
        yield found


@pytest.fixture(scope="session")
def decoders() -> Iterator[Decoders]:
    found = Decoders(hashing=True)
    yield found
    found.close()


HasherOf = Callable[..., Hasher]


@pytest.fixture
async def hasher_of(decoders: Decoders) -> AsyncIterator[HasherOf]:
    """A hasher that is in a hurry, and may ask loopback."""
    fetchers: list[Fetcher] = []
    guard = EgressGuard.of(RuntimeSettings(internal_port=0, egress_allow=("127.0.0.0/8",)))

    def make(
        *,
        within: float = 3.0,
        try_within: float = 1.0,
        places: int = 8,
        of_one: int = 4,
        reach: Reach | None = None,
        remember: float = 600,
        short: float = 0.3,
    ) -> Hasher:
        fetchers.append(Fetcher(guard, FetchLimits(within=try_within)))
        return Hasher(
            fetchers[-1],
            decoders,
            places=PlaceLimits(places=places, of_one=of_one, waiting=10_000, within=60),
            within=within,
            remember=remember,
            reach=reach,
            tries=(0.05, 0.1),
            short=short,
        )

    yield make
    for fetcher in fetchers:
        await fetcher.aclose()


def handler_of(
    table: ConfigTable,
    hasher: Hasher,
    matcher: Matcher,
    said: Said,
    remember: Remember | None = None,
    **options: Any,
) -> MediaHandler:
    return MediaHandler(
        SubmittedMedia(table), hasher, matcher, said.publish, remember or said.remember, **options
    )


async def handled(handler: MediaHandler, *events: Any) -> None:
    settlement = await handler([received(event) for event in events])
    if settlement is not None:
        await asyncio.wait_for(settlement, WAIT)


def _prepare(url: str) -> None:
    bootstrap(url, {ROLE: "password", owner_of(ROLE): "owner-password"})
    migrate(service_url(url, owner_of(ROLE), "owner-password"))


@pytest.fixture
def database(databases: Databases) -> str:
    """The URL of the bridge's role on a migrated database of the test's own."""
    return service_url(databases.make(_prepare), ROLE, "password")


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    made = engine_of(database, pool_size=4, application_name="test")
    yield made
    await made.dispose()


@dataclass
class Banks:
    """The embedded banks of one process."""

    engine: AsyncEngine
    book: HashBook
    numbers: BankNumbers
    follower: Follower

    def matcher(self, table: ConfigTable, *, most_stale: float = 60) -> EmbeddedMatcher:
        return EmbeddedMatcher(
            table, self.book, self.numbers, stale=self.follower.stale, most_stale=most_stale
        )


BanksOf = Callable[[], Awaitable[Banks]]


@pytest.fixture
async def banks_of(engine: AsyncEngine) -> AsyncIterator[BanksOf]:
    """Starts the banks of as many processes as are wanted; they follow the database."""
    tasks: list[asyncio.Task[None]] = []

    async def make() -> Banks:
        book, numbers = HashBook(), BankNumbers()
        follower = Follower(engine, book, numbers, every=0.1)
        tasks.append(asyncio.create_task(follower.run()))
        await follower.wait_ready(WAIT)
        return Banks(engine, book, numbers, follower)

    yield make
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], bool], seconds: float = WAIT) -> float:
    """Seconds that it took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - whatever the condition is
            await asyncio.sleep(0.005)
    return time.monotonic() - began
