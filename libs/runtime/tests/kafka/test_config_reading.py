"""The configuration table on a real broker."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from msgspec import Raw

from coop_contracts.config import SYSTEM_ORG, Kind, Policy
from coop_contracts.event import ConfigChanged
from coop_local.tansu import Tansu
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_runtime.kafka.message import Message, RawMessage, message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings

from .conftest import Until

pytestmark = pytest.mark.engines

WAIT = 30.0
HEAD = b'{"id":"head","publishedAt":"2026-01-01T00:00:00Z"}'


def changed(kind: Kind, name: str, revision: int, document: bytes, org: str = "o") -> Message:
    event = ConfigChanged(
        event_id="e",
        org_id=org,
        time=datetime(2026, 1, 1, tzinfo=UTC),
        correlation_id="c",
        revision=revision,
        kind=kind,
        id=name,
        document=Raw(document),
    )
    return message_of(event, key=f"{org}/{kind}/{name}")


def policy(name: str, revision: int) -> Message:
    return changed(Kind.POLICY, name, revision, b'{"id":"%s","name":"P"}' % name.encode())


def head() -> Message:
    return changed(Kind.LOG_HEAD, "head", 0, HEAD, SYSTEM_ORG)


def create_config_topic(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topic = ConfigChanged.topic
    admin.create_topics([NewTopic(topic, 1, 1, config={"cleanup.policy": "compact"})])[
        topic
    ].result(WAIT)


def settings_of(broker: Tansu) -> RuntimeSettings:
    return RuntimeSettings(kafka=broker.url, kafka_idempotence=False, internal_port=0)


@asynccontextmanager
async def reading(table: ConfigTable) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(table.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=10)
        assert task.cancelled()


@asynccontextmanager
async def publishing(settings: RuntimeSettings) -> AsyncIterator[Producer]:
    producer = Producer(settings, client_id="test")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def test_load_then_ready_then_changes(own_broker: Tansu, until: Until) -> None:
    """A table is ready after the load and the head, then applies changes and deletions."""
    create_config_topic(own_broker.url)
    settings = settings_of(own_broker)
    table = ConfigTable(settings)
    order: list[int] = []
    table.subscribe(lambda change: order.append(change.revision))
    async with publishing(settings) as producer, reading(table):
        await producer.publish([policy(f"p{n}", n) for n in range(1, 1201)])
        await until(lambda: len(table.all("o", Kind.POLICY)) == 1200)
        assert not table.ready()
        await producer.publish([head()])
        await table.wait_ready(WAIT)
        await producer.publish([changed(Kind.POLICY, "p7", 1201, b"null")])
        await until(lambda: table.get("o", Kind.POLICY, "p7") is None)
        assert order == [*range(1, 1201), 0, 1201]
        # A tombstone, as compaction leaves it, says nothing.
        await producer.publish([RawMessage(ConfigChanged.topic, b"o/policy/p8", None, [])])
        await producer.publish([policy("p9", 1202)])
        await until(lambda: table.revision("o") == 1202)
        assert isinstance(table.get("o", Kind.POLICY, "p8"), Policy)


async def test_changes_arrive_at_once(
    settings: RuntimeSettings,
    kafka_bootstrap: str,
    until: Until,
) -> None:
    """An acknowledged change is applied within a few milliseconds: median 50 ms at most."""
    table = ConfigTable(settings)
    org = f"org{time.time_ns()}"
    applied: dict[int, float] = {}

    def apply(change: ConfigChange) -> None:
        if change.org_id == org:
            applied.setdefault(change.revision, time.perf_counter())

    table.subscribe(apply)
    delays = []
    async with publishing(settings) as producer, reading(table):
        await producer.publish([head()])
        await table.wait_ready(WAIT)
        for revision in range(1, 31):
            message = changed(Kind.POLICY, "p", revision, b'{"id":"p","name":"P"}', org)
            started = time.perf_counter()
            await producer.publish([message])
            await until(partial(applied.__contains__, revision))
            delays.append(applied[revision] - started)
    assert statistics.median(delays) < 0.05


async def test_a_broker_that_lost_the_topic_loses_us_nothing(
    own_broker: Tansu,
    until: Until,
) -> None:
    """While the broker is away, and after it came back empty, the table serves what it has; then
    it reads the topic from the beginning."""
    create_config_topic(own_broker.url)
    settings = settings_of(own_broker)
    table = ConfigTable(settings)
    async with reading(table):
        async with publishing(settings) as producer:
            await producer.publish([head(), *(policy(f"p{n}", n) for n in range(1, 21))])
            await table.wait_ready(WAIT)
            await until(lambda: len(table.all("o", Kind.POLICY)) == 20)
        await asyncio.to_thread(own_broker.stop)
        assert table.ready()
        await asyncio.to_thread(own_broker.start)
        create_config_topic(own_broker.url)
        assert len(table.all("o", Kind.POLICY)) == 20
        async with publishing(settings) as producer:
            # Fewer records than were read before: their offsets are not new, their revisions are.
            await producer.publish([policy("p1", 1), policy("p2", 30), head()])
            await until(lambda: table.revision_of("o", Kind.POLICY, "p2") == 30)
        assert len(table.all("o", Kind.POLICY)) == 20
        assert table.ready()


async def test_a_topic_that_is_made_later_is_found(own_broker: Tansu, until: Until) -> None:
    """A service that starts before the topic exists waits for it, not ready."""
    settings = settings_of(own_broker)
    table = ConfigTable(settings)
    async with reading(table) as task:
        with pytest.raises(TimeoutError):
            await table.wait_ready(1.5)
        assert not task.done()
        create_config_topic(own_broker.url)
        async with publishing(settings) as producer:
            await producer.publish([head()])
            await table.wait_ready(WAIT)
