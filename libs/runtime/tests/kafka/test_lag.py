"""The lag that a consumer shows, beside what the broker's own offsets say."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka import TopicPartition as KafkaPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec
from prometheus_client import REGISTRY

from coop_runtime.kafka.consumer import Consumer, ConsumerTuning
from coop_runtime.kafka.lag import EVERY_SECONDS
from coop_runtime.kafka.message import Received
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings

from .conftest import WAIT, AnyConsumer, Probe, Until

pytestmark = pytest.mark.engines

Events = Sequence[Received[Any]]
Member = Callable[..., Any]
PARTITIONS = 3
LATEST = OffsetSpec.latest()  # type: ignore[no-untyped-call]
EARLIEST = OffsetSpec.earliest()  # type: ignore[no-untyped-call]


@pytest.fixture(autouse=True)
def counts_records(settings: RuntimeSettings) -> None:
    """The broker, asked for a partition's end, has to count records."""
    if not settings.kafka_idempotence:
        pytest.skip("Tansu counts batches when it is asked for a partition's end")


@pytest.fixture
def probe(make_probe: Callable[[int], Probe]) -> Probe:
    return make_probe(PARTITIONS)


@pytest.fixture
def member(
    settings: RuntimeSettings, producer: Producer, probe: Probe, client: type[Any]
) -> Member:
    """A consumer of the probe's topic; its records wait while `closed` is unset."""

    def make(gate: asyncio.Event | None = None, **tuning: Any) -> Any:
        async def handle(_events: Events) -> None:
            if gate is not None:
                await gate.wait()

        return client(
            settings,
            group=probe.topic,
            event_type=probe.type,
            handler=handle,
            producer=producer,
            tuning=ConsumerTuning(**tuning),
        )

    return make


@asynccontextmanager
async def running(consumer: AnyConsumer) -> AsyncIterator[None]:
    task = asyncio.create_task(consumer.run())
    try:
        yield
    finally:
        consumer.stop()
        await asyncio.wait_for(task, 20)


def shown(topic: str) -> dict[int, float]:
    """What this process shows, by partition."""
    found = {}
    for partition in range(PARTITIONS):
        labels = {"group": topic, "topic": topic, "partition": str(partition)}
        value = REGISTRY.get_sample_value("coop_consumer_lag_messages", labels)
        if value is not None:
            found[partition] = value
    return found


@functools.cache
def _admin(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap})


def asked(bootstrap: str, topic: str) -> dict[int, int]:
    """What the broker says, by partition: its end, less the group's offset or what is left."""
    admin = _admin(bootstrap)
    every = [KafkaPartition(topic, number) for number in range(PARTITIONS)]
    ends = admin.list_offsets(dict.fromkeys(every, LATEST))
    begins = admin.list_offsets(dict.fromkeys(every, EARLIEST))
    (group,) = admin.list_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(topic, every)]
    ).values()
    committed = {one.partition: one.offset for one in group.result(WAIT).topic_partitions}
    return {
        one.partition: ends[one].result(WAIT).offset
        - max(committed.get(one.partition, -1), begins[one].result(WAIT).offset)
        for one in every
    }


async def agree(probe: Probe, until: Until, lag: int) -> None:
    """Both say `lag`, partition by partition."""
    await until(lambda: sum(shown(probe.topic).values()) == lag)
    async with asyncio.timeout(WAIT):
        while True:
            broker = await asyncio.to_thread(asked, probe.bootstrap, probe.topic)
            if sum(broker.values()) == lag and shown(probe.topic) == broker:
                return
            await asyncio.sleep(0.1)


async def publish(probe: Probe, producer: Producer, count: int) -> None:
    await producer.publish([probe.message(n, key=f"k{n}") for n in range(count)])


async def test_a_restarted_consumer_shows_what_is_left(
    probe: Probe, producer: Producer, member: Member, until: Until
) -> None:
    """Before anything new arrives: 0 where all was settled, the rest where it was not."""
    await publish(probe, producer, 60)
    async with running(member()):
        await agree(probe, until, 0)
    assert shown(probe.topic) == {}
    async with running(member()):
        await until(lambda: len(shown(probe.topic)) == PARTITIONS)
        # The very first figure is right; it is not the length of the partition for a while.
        assert sum(shown(probe.topic).values()) == 0
        await agree(probe, until, 0)
    await publish(probe, producer, 30)
    gate = asyncio.Event()
    async with running(member(gate)):
        await until(lambda: len(shown(probe.topic)) == PARTITIONS)
        assert sum(shown(probe.topic).values()) == 30
        gate.set()
        await agree(probe, until, 0)


async def test_lag_goes_on_being_right_while_nothing_is_fetched(
    probe: Probe, producer: Producer, member: Member, until: Until
) -> None:
    """While the handler waits and the partitions are paused, what arrives is seen to wait."""
    gate = asyncio.Event()
    await publish(probe, producer, 20)
    async with running(member(gate, max_batch=1, in_flight=1)):
        await until(lambda: sum(shown(probe.topic).values()) == 20)
        await asyncio.to_thread(time.sleep, 2)  # more than it takes to pause
        await publish(probe, producer, 500)
        await agree(probe, until, 520)
        gate.set()
        await agree(probe, until, 0)


async def test_each_partition_is_shown_by_who_holds_it(
    probe: Probe, producer: Producer, member: Member, until: Until
) -> None:
    """Members come and go: no partition is shown twice or by nobody, and all are right."""
    await publish(probe, producer, 60)
    async with running(member()):
        await agree(probe, until, 0)
        second = member()
        async with running(second):
            await until(lambda: bool(second._partitions.held()))
            await agree(probe, until, 0)
        await agree(probe, until, 0)


async def test_an_idle_hour_changes_nothing(
    probe: Probe, producer: Producer, member: Member, until: Until, client: type[Any]
) -> None:
    """As many rounds of measuring as an idle hour has: the figures stay those of the broker."""
    if client is not Consumer:
        pytest.skip("it is the same meter")
    await publish(probe, producer, 60)
    consumer = member()
    async with running(consumer):
        await agree(probe, until, 0)
    consumer = member()
    async with running(consumer):
        await until(lambda: len(shown(probe.topic)) == PARTITIONS)
        meter = consumer._fetcher._lag

        def an_hour() -> None:
            client: Any = KafkaConsumer(dict(meter._config))
            for _ in range(int(3600 / EVERY_SECONDS)):
                meter.measure(client)
                assert sum(shown(probe.topic).values()) == 0
            client.close()

        await asyncio.to_thread(an_hour)
        await agree(probe, until, 0)


async def test_deleted_records_are_no_lag(
    probe: Probe,
    producer: Producer,
    member: Member,
    until: Until,
    settings: RuntimeSettings,
) -> None:
    """What retention deleted is not waited for, below the committed offset and above it."""
    await publish(probe, producer, 90)
    admin = _admin(probe.bootstrap)

    async def delete(share: float) -> None:
        every = [KafkaPartition(probe.topic, number) for number in range(PARTITIONS)]
        ends = admin.list_offsets(dict.fromkeys(every, LATEST))
        upto = [
            KafkaPartition(one.topic, one.partition, int(ends[one].result(WAIT).offset * share))
            for one in every
        ]
        for deleted in admin.delete_records(upto).values():
            await asyncio.to_thread(deleted.result, WAIT)

    gate = asyncio.Event()
    await delete(0.5)
    async with running(member(gate)):
        await until(lambda: len(shown(probe.topic)) == PARTITIONS)
        left = sum(asked(probe.bootstrap, probe.topic).values())
        assert 40 <= left <= 50
        assert sum(shown(probe.topic).values()) == left
        gate.set()
        await agree(probe, until, 0)
    await publish(probe, producer, 30)
    await delete(1.0)
    async with running(member()):
        await agree(probe, until, 0)
