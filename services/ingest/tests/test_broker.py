"""With the real broker and Redis: what is answered as kept is on the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from coop_contracts.ids import new_id
from coop_contracts.topic import all_topics
from coop_ingest.settings import Settings
from coop_runtime.kafka.producer import Producer

POST = {"id": "p1", "typeId": "post", "data": {"text": "hello"}}

pytestmark = pytest.mark.engines


@pytest.fixture
async def producer(kafka_bootstrap: str, broker_idempotence: bool) -> AsyncIterator[Producer]:
    settings = Settings(kafka=kafka_bootstrap, kafka_idempotence=broker_idempotence)
    producer = Producer(settings, client_id="ingest-test", delivery_timeout=10)
    await producer.start()
    yield producer
    await producer.stop()


async def read_until(bootstrap: str, topic: str, item_ids: set[str]) -> dict[str, Any]:
    """The topic's messages about these items, by item id, once all are there."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": new_id()})
    partitions = next(one.partitions for one in all_topics() if one.topic == topic)
    consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in range(partitions)])
    found: dict[str, Any] = {}
    try:
        async with asyncio.timeout(30):
            while found.keys() != item_ids:
                for message in await asyncio.to_thread(consumer.consume, 500, 0.2):
                    # A topic just created has no leader yet for a moment: the client tries again.
                    # Others write to the topic of this session too, and not only what can be read.
                    if message.error() is None:
                        item_id = (message.key() or b"").decode().rpartition("/")[2]
                        if item_id in item_ids:
                            found[item_id] = message
    finally:
        consumer.close()
    return found


async def test_accepted_items_are_on_the_log(
    make_ingest: Callable[..., Any], kafka_bootstrap: str, redis_url: str, producer: Producer
) -> None:
    """Every item answered with 202 can be read from the topic, with its key and headers."""
    ingest = make_ingest(redis=redis_url)
    ingest.publisher._broker = producer
    ingest.publisher._timeout = 10
    ids = [new_id() for _ in range(50)]
    response = await ingest.items(*({**POST, "id": one} for one in ids))
    assert response.status_code == 202
    found = await read_until(kafka_bootstrap, "coop.items.v1", set(ids))
    for item_id, message in found.items():
        assert message.key() == f"org1/post/{item_id}".encode()
        assert dict(message.headers())["event-type"] == b"item-submitted"


async def test_a_broker_that_is_away_is_503(make_ingest: Callable[..., Any]) -> None:
    """With nobody to acknowledge, the answer is 503 within the deadline."""
    settings = Settings(kafka="127.0.0.1:1")
    producer = Producer(settings, client_id="ingest-test", delivery_timeout=0.5)
    await producer.start()
    ingest = make_ingest()
    ingest.publisher._broker = producer
    ingest.publisher._timeout = 0.6
    try:
        async with asyncio.timeout(5):
            response = await ingest.items(POST)
    finally:
        await producer.stop()
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
