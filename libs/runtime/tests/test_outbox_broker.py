"""The outbox from PostgreSQL to the real broker."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator

import pytest
from confluent_kafka import Consumer, Message
from sqlalchemy import MetaData, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_runtime.database.engine import transaction
from coop_runtime.database.outbox import Relay, append, outbox_table
from coop_runtime.kafka.message import Message as Outgoing
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings

pytestmark = pytest.mark.engines

TOPIC = "coop.review-decisions.v1"
TABLE = outbox_table(MetaData(), "review")
TRACEPARENT = b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"


@pytest.fixture
async def producer(kafka_bootstrap: str, broker_idempotence: bool) -> AsyncIterator[Producer]:
    """The product's producer on the real broker."""
    settings = RuntimeSettings(
        internal_port=0, kafka=kafka_bootstrap, kafka_idempotence=broker_idempotence
    )
    made = Producer(settings, client_id="relay-test")
    await made.start()
    yield made
    await made.stop()


def read(bootstrap: str, mark: bytes, count: int) -> list[Message]:
    """The first `count` records on the topic whose key starts with `mark`."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"test-{uuid.uuid4()}",
            "auto.offset.reset": "earliest",
        }
    )
    found: list[Message] = []
    deadline = time.monotonic() + 30
    try:
        consumer.subscribe([TOPIC])
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} records in time"
            record = consumer.poll(0.2)
            if record is not None and not record.error() and (record.key() or b"").startswith(mark):
                found.append(record)
    finally:
        consumer.close()
    return found


async def test_rows_arrive_on_the_topic_in_order_with_their_headers(
    engine: AsyncEngine, producer: Producer, kafka_bootstrap: str
) -> None:
    """A thousand rows, five keys: each key's records in order, headers as they were stored."""
    async with transaction(engine) as connection:
        await connection.execute(text("DROP TABLE IF EXISTS review.outbox"))
        await connection.run_sync(TABLE.metadata.create_all)
    mark = uuid.uuid4().hex.encode()
    headers = [("event-id", b"e"), ("traceparent", TRACEPARENT)]
    for start in range(0, 1000, 100):
        async with transaction(engine) as connection:
            await append(
                connection,
                TABLE,
                [
                    Outgoing(TOPIC, mark + b"/%d" % (n % 5), b"%d" % n, headers)
                    for n in range(start, start + 100)
                ],
            )
    relay = asyncio.create_task(Relay(engine, TABLE, producer).run())
    try:
        records = await asyncio.to_thread(read, kafka_bootstrap, mark, 1000)
        async with asyncio.timeout(10):
            while await _waiting(engine):  # noqa: ASYNC110 - a row count has no event
                await asyncio.sleep(0.01)
    finally:
        relay.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await relay
    for key in range(5):
        values = [int(r.value() or b"") for r in records if r.key() == mark + b"/%d" % key]
        assert values == list(range(key, 1000, 5))
    assert records[0].headers() == headers


async def _waiting(engine: AsyncEngine) -> int:
    async with transaction(engine) as connection:
        return (await connection.execute(select(func.count()).select_from(TABLE))).scalar_one()
