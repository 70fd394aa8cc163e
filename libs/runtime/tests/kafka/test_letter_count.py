"""Dead letters, counted: beside what was laid aside, replayed and deleted on a real broker."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable

import pytest
from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import TopicPartition as KafkaPartition
from confluent_kafka.admin import AdminClient

from coop_runtime.kafka.letter_count import LetterCount, count_letters
from coop_runtime.kafka.message import RawMessage
from coop_runtime.kafka.producer import Producer
from coop_runtime.kafka.replayed import GROUP, Replayed
from coop_runtime.process.error import BrokerUnavailable
from coop_runtime.process.settings import RuntimeSettings

from .conftest import WAIT, create_topic

pytestmark = pytest.mark.engines


@pytest.fixture
def topic(settings: RuntimeSettings) -> str:
    """A topic with a dead-letter topic, both empty."""
    if not settings.kafka_idempotence:
        pytest.skip("Tansu counts batches when it is asked for a partition's end")
    name = f"test.{uuid.uuid4().hex[:12]}.v1"
    create_topic(settings.kafka, f"{name}.dlq", 1)
    return name


async def lay_aside(settings: RuntimeSettings, topic: str, letters: int) -> None:
    producer = Producer(settings, client_id="test")
    await producer.start()
    await producer.publish([RawMessage(f"{topic}.dlq", b"k", b"v", []) for _ in range(letters)])
    await producer.stop()


def replay(settings: RuntimeSettings, topic: str, offsets: Iterable[int]) -> None:
    """As `coop dlq replay` remembers it."""
    replayed = Replayed()
    replayed.add(list(offsets))
    commit(settings, topic, replayed.next_offset, replayed.to_metadata())


def commit(settings: RuntimeSettings, topic: str, offset: int, metadata: str) -> None:
    client = KafkaConsumer({"bootstrap.servers": settings.kafka, "group.id": GROUP})
    at = KafkaPartition(f"{topic}.dlq", 0, offset, metadata)
    client.commit(offsets=[at], asynchronous=False)
    client.close()


def counted(settings: RuntimeSettings, topic: str) -> LetterCount:
    (found,) = [one for one in count_letters(settings, "test", seconds=WAIT) if one.topic == topic]
    return found


async def test_what_is_there_and_what_waits(settings: RuntimeSettings, topic: str) -> None:
    """Every letter counts; those that were replayed do not wait, one after another or here and
    there; and what the broker deleted is not there."""
    assert counted(settings, topic) == LetterCount(topic=topic, letters=0, waiting=0)
    await lay_aside(settings, topic, 6)
    assert counted(settings, topic) == LetterCount(topic=topic, letters=6, waiting=6)
    replay(settings, topic, [0, 1, 4])
    assert counted(settings, topic) == LetterCount(topic=topic, letters=6, waiting=3)
    admin = AdminClient({"bootstrap.servers": settings.kafka})
    (deleted,) = admin.delete_records([KafkaPartition(f"{topic}.dlq", 0, 3)]).values()
    deleted.result(WAIT)
    # 3 and 5 wait, 4 was replayed.
    assert counted(settings, topic) == LetterCount(topic=topic, letters=3, waiting=2)
    replay(settings, topic, range(6))
    assert counted(settings, topic) == LetterCount(topic=topic, letters=3, waiting=0)


async def test_metadata_that_nobody_understands(settings: RuntimeSettings, topic: str) -> None:
    """What somebody else wrote beside the group's offset hides no letter."""
    await lay_aside(settings, topic, 3)
    commit(settings, topic, 1, "who knows")
    assert counted(settings, topic) == LetterCount(topic=topic, letters=3, waiting=2)


def test_a_broker_that_is_away(settings: RuntimeSettings) -> None:
    """It is said, within the time that it may take."""
    nowhere = settings.model_copy(update={"kafka": "127.0.0.1:1"})
    began = time.monotonic()
    with pytest.raises(BrokerUnavailable):
        count_letters(nowhere, "test", seconds=1)
    assert time.monotonic() - began < 10
