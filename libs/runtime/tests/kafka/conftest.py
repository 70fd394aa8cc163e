"""Topics, events and clients for the tests against a real broker."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from coop_contracts.event import Event
from coop_local.tansu import Tansu
from coop_runtime.kafka.consumer import Consumer
from coop_runtime.kafka.message import Message, message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.kafka.record import Record, record_of
from coop_runtime.process.settings import RuntimeSettings
from coop_runtime.stream.subscriber import StreamConsumer

WAIT = 30.0
TIME = datetime(2026, 1, 1, tzinfo=UTC)


def create_topic(
    bootstrap: str, name: str, partitions: int, config: dict[str, str] | None = None
) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    try:
        admin.create_topics([NewTopic(name, partitions, 1, config=config or {})])[name].result(WAIT)
    except KafkaException as error:
        # A client that waited for a broker may have made it: some brokers do so when asked for it.
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
    deadline = time.monotonic() + WAIT
    while len(admin.list_topics(timeout=WAIT).topics.get(name, _NONE).partitions) < partitions:
        assert time.monotonic() < deadline


class _NONE:
    partitions: ClassVar[dict[int, object]] = {}


def probe_type(name: str) -> type[Any]:
    class Probe(Event, frozen=True, kw_only=True, tag="probe"):
        topic: ClassVar[str] = name
        number: int

    return Probe


OWN = probe_type("own.v1")


@dataclass
class Probe:
    """A topic of a test's own (with its dead-letter topic) and the events on it."""

    topic: str
    type: type[Any]
    bootstrap: str

    def message(self, number: int, *, key: str = "k") -> Message:
        event: Event = self.type(
            event_id=str(number), org_id="o", time=TIME, correlation_id="c", number=number
        )
        return message_of(event, key=key)

    def raw(self, value: bytes, *, key: bytes = b"k") -> Message:
        return Message(self.topic, key, value, [("mark", b"m")])

    def records(self) -> list[Record]:
        """Those of partition 0."""
        return read_topic(self.bootstrap, self.topic)

    def letters(self) -> list[Record]:
        return read_topic(self.bootstrap, self.topic + ".dlq")


def read_topic(bootstrap: str, topic: str) -> list[Record]:
    """All records of partition 0."""
    consumer = KafkaConsumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "reader",
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = []
    deadline = time.monotonic() + WAIT
    try:
        while time.monotonic() < deadline:
            message = consumer.poll(0.1)
            if message is None:
                continue
            error = message.error()
            if error is None:
                found.append(record_of(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                return found
    finally:
        consumer.close()
    raise TimeoutError(topic)


@pytest.fixture
def settings(kafka_bootstrap: str, broker_idempotence: bool) -> RuntimeSettings:
    return RuntimeSettings(
        kafka=kafka_bootstrap,
        kafka_idempotence=broker_idempotence,
        internal_port=0,
        stop_timeout=10,
    )


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Tansu]:
    """A broker of the test's, to be stopped and started; it loses all when it stops."""
    broker = Tansu(tmp_path / "tansu")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def own_probe(own_broker: Tansu) -> Callable[[], Probe]:
    """Creates the same topic on that broker, again after each start."""

    def make() -> Probe:
        create_topic(own_broker.url, "own.v1", 1)
        create_topic(own_broker.url, "own.v1.dlq", 1)
        return Probe("own.v1", OWN, own_broker.url)

    return make


@pytest.fixture
def make_probe(kafka_bootstrap: str) -> Callable[[int], Probe]:
    def make(partitions: int) -> Probe:
        topic = f"test.{uuid.uuid4().hex[:12]}.v1"
        create_topic(kafka_bootstrap, topic, partitions)
        create_topic(kafka_bootstrap, topic + ".dlq", 1)
        return Probe(topic, probe_type(topic), kafka_bootstrap)

    return make


@pytest.fixture
def probe(make_probe: Callable[[int], Probe]) -> Probe:
    return make_probe(1)


AnyConsumer = Consumer[Any] | StreamConsumer[Any]


@pytest.fixture(params=[Consumer, StreamConsumer], ids=["librdkafka", "faststream"])
def client(request: pytest.FixtureRequest) -> type[Any]:
    """Whoever consumes keeps the same laws."""
    found: type[Any] = request.param
    return found


@pytest.fixture
async def producer(settings: RuntimeSettings) -> AsyncIterator[Producer]:
    made = Producer(settings, client_id="test")
    await made.start()
    yield made
    await made.stop()


Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
def until() -> Until:
    """Poll a condition with a deadline."""

    async def wait(condition: Callable[[], bool], seconds: float = WAIT) -> None:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - whatever the condition is
                await asyncio.sleep(0.005)

    return wait
