"""FastStream's own ways to fail, on a real broker: outages, headers, a broker that is late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from prometheus_client import REGISTRY

from coop_local.tansu import Tansu
from coop_runtime.kafka.consumer import ConsumerTuning
from coop_runtime.kafka.message import RawMessage, Received
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.error import BrokerUnavailable, Retryable
from coop_runtime.process.settings import RuntimeSettings
from coop_runtime.stream.config import MAX_POLL_MS, subscriber_options
from coop_runtime.stream.law import Laws
from coop_runtime.stream.subscriber import StreamConsumer

from .conftest import OWN, Probe, Until
from .test_consumer import numbers, running

pytestmark = pytest.mark.engines

Events = Sequence[Received[Any]]
HOUR = 3600.0


def assigned(group: str) -> float | None:
    return REGISTRY.get_sample_value("coop_consumer_assigned_partitions", {"group": group})


class SwiftClock:
    """A clock on which each look is a minute later."""

    def __init__(self) -> None:
        self.minutes = 0

    def __call__(self) -> float:
        self.minutes += 1
        return self.minutes * 60.0


async def test_a_member_outlasts_an_outage(
    probe: Probe, producer: Producer, settings: RuntimeSettings, until: Until
) -> None:
    """An hour by the consumer's clock, and longer than the group's session: the records wait in
    place, nothing is dead-lettered, and the partition is never given to the other member."""
    await producer.publish([probe.message(n) for n in range(20)])
    down, calls = True, 0
    seen: list[int] = []
    others: list[int] = []

    async def handle(events: Events) -> None:
        nonlocal calls
        calls += 1
        if down:
            raise Retryable("down")
        seen.extend(numbers(events))

    async def other(events: Events) -> None:
        others.extend(numbers(events))

    def member(handler: Any, backoff: Backoff | None = None) -> StreamConsumer[Any]:
        return StreamConsumer(
            settings,
            group=probe.topic,
            event_type=probe.type,
            handler=handler,
            producer=producer,
            tuning=ConsumerTuning(max_batch=5),
            backoff=backoff,
        )

    backoff = Backoff(first=0.01, last=0.1, clock=SwiftClock())
    consumer = member(handle, backoff)
    async with running(consumer):
        await until(lambda: calls > 0)
        session = 6.0
        began = time.monotonic()
        await until(lambda: time.monotonic() - began > session + 2 and backoff.failing_for > HOUR)
        assert not consumer.ready()
        assert assigned(probe.topic) == 1
        async with running(member(other)):
            down = False
            await until(lambda: len(set(seen) | set(others)) == 20)
    assert probe.letters() == []
    # Each of them handled what it has in the order of the log, and together they have all of it.
    assert seen == sorted(seen)
    assert sorted(set(seen) | set(others)) == list(range(20))


def test_no_wait_costs_the_membership() -> None:
    """The longest wait between two fetches is longer than any outage, and the rest is not left to
    defaults that lose records."""
    settings = RuntimeSettings(internal_port=0)
    options = subscriber_options(settings, "g", max_batch=5, drain_seconds=8)
    assert options["max_poll_interval_ms"] == MAX_POLL_MS > 20 * 86_400_000
    assert options["auto_offset_reset"] == "earliest"
    assert options["rebalance_timeout_ms"] > 8_000


async def test_headers_of_any_bytes_are_passed_on(
    probe: Probe, producer: Producer, settings: RuntimeSettings, until: Until
) -> None:
    """A header that is not text, or has no value, stops neither its record nor the next."""
    message = probe.message(1)
    odd: list[tuple[str, bytes | None]] = [("odd", b"\xff\xfe"), ("none", None)]
    headers = [*message.headers, *odd]
    await producer.publish([RawMessage(message.topic, message.key, message.value, headers)])
    await producer.publish([probe.message(2)])
    found: list[Received[Any]] = []

    async def handle(events: Events) -> None:
        found.extend(events)

    async with running(
        StreamConsumer(
            settings, group=probe.topic, event_type=probe.type, handler=handle, producer=producer
        )
    ):
        await until(lambda: len(found) == 2)
    assert found[0].headers["odd"] == b"\xff\xfe"
    assert "none" not in found[0].headers
    assert probe.letters() == []


async def test_a_bug_of_ours_ends_the_consumer(
    probe: Probe,
    producer: Producer,
    settings: RuntimeSettings,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """FastStream would log an error of the middleware and go on to the next batch, whose commit
    would pass over this one: `run` raises instead, and nothing was committed."""
    await producer.publish([probe.message(n) for n in range(3)])
    seen: list[int] = []

    async def handle(events: Events) -> None:
        seen.extend(numbers(events))

    def consumer() -> StreamConsumer[Any]:
        return StreamConsumer(
            settings, group=probe.topic, event_type=probe.type, handler=handle, producer=producer
        )

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(Laws, "take", broken)
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(consumer().run(), 30)
    assert seen == []
    async with running(consumer()):
        await until(lambda: seen == [0, 1, 2])


async def test_a_broker_that_is_late(
    own_broker: Tansu, own_probe: Callable[[], Probe], until: Until
) -> None:
    """A consumer that starts before its broker is a member once the broker is there."""
    settings = RuntimeSettings(
        kafka=own_broker.url, kafka_idempotence=False, internal_port=0, stop_timeout=6
    )
    await asyncio.to_thread(own_broker.stop)
    seen: list[int] = []

    async def handle(events: Events) -> None:
        seen.extend(numbers(events))

    producer = Producer(settings, client_id="test", delivery_timeout=1)
    await producer.start()
    probe = Probe("own.v1", OWN, own_broker.url)
    consumer = StreamConsumer(
        settings, group="g", event_type=probe.type, handler=handle, producer=producer
    )
    task = asyncio.create_task(consumer.run())
    with pytest.raises(BrokerUnavailable):
        await producer.publish([probe.message(1)], timeout=1)
    assert not consumer.ready()
    assert not task.done()
    await asyncio.to_thread(own_broker.start)
    own_probe()
    async with asyncio.timeout(30):
        while True:
            try:
                await producer.publish([probe.message(2)])
                break
            except BrokerUnavailable:
                continue
    await until(lambda: 2 in seen)
    assert consumer.ready()
    consumer.stop()
    await asyncio.wait_for(task, 10)
    await producer.stop()
