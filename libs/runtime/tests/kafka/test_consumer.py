"""Consuming from a real broker: what must hold when things go wrong."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from coop_local.tansu import Tansu
from coop_runtime.kafka.consumer import ConsumerTuning
from coop_runtime.kafka.message import Received
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.error import BrokerUnavailable, DeadLetterLimit, Poison, Retryable
from coop_runtime.process.settings import RuntimeSettings

from .conftest import AnyConsumer, Probe, Until

pytestmark = pytest.mark.engines

Events = Sequence[Received[Any]]
Handle = Callable[[Events], Awaitable[Awaitable[None] | None]]
ConsumerOf = Callable[..., AnyConsumer]
VICTIM = Path(__file__).with_name("consumer_victim.py")


@pytest.fixture
def consumer_of(settings: RuntimeSettings, producer: Producer, client: type[Any]) -> ConsumerOf:
    def make(
        probe: Any, handle: Handle, *, dead_letters_a_minute: int = 100, **tuning: Any
    ) -> AnyConsumer:
        made: AnyConsumer = client(
            settings.model_copy(update={"dead_letters_a_minute": dead_letters_a_minute}),
            group=probe.topic,
            event_type=probe.type,
            handler=handle,
            producer=producer,
            tuning=ConsumerTuning(**tuning),
        )
        return made

    return make


@asynccontextmanager
async def running(consumer: AnyConsumer) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(consumer.run())
    try:
        yield task
    finally:
        consumer.stop()
        await asyncio.wait_for(task, 20)


def numbers(events: Events) -> list[int]:
    return [received.event.number for received in events]


async def test_bad_bytes_go_aside_and_the_next_is_handled(
    probe: Probe,
    producer: Producer,
    consumer_of: ConsumerOf,
    until: Until,
) -> None:
    """A record that cannot be decoded is a dead letter with its bytes; the others are handled."""
    await producer.publish([probe.message(1), probe.raw(b"{nonsense"), probe.message(2)])
    seen: list[int] = []

    async def handle(events: Events) -> None:
        seen.extend(numbers(events))

    async with running(consumer_of(probe, handle)):
        await until(lambda: seen == [1, 2] and len(probe.letters()) == 1)
    (letter,) = probe.letters()
    told = dict(letter.headers)
    assert (letter.key, letter.value, told["mark"]) == (b"k", b"{nonsense", b"m")
    assert told["dlq-reason"] == b"undecodable"
    assert (told["dlq-topic"], told["dlq-offset"]) == (probe.topic.encode(), b"1")


async def test_bug_is_tried_three_times(
    probe: Probe,
    producer: Producer,
    consumer_of: ConsumerOf,
    until: Until,
) -> None:
    """A record whose handling fails: three tries, a dead letter with the traceback, and on."""
    await producer.publish([probe.message(1)])
    tries = 0
    seen: list[int] = []

    async def handle(events: Events) -> None:
        nonlocal tries
        if 1 in numbers(events):
            tries += 1
            raise LookupError("broken")
        seen.extend(numbers(events))

    async with running(consumer_of(probe, handle)):
        await until(lambda: len(probe.letters()) == 1)
        await producer.publish([probe.message(2)])
        await until(lambda: seen == [2])
    (letter,) = probe.letters()
    told = dict(letter.headers)
    assert tries == 3
    assert told["dlq-error-type"] == b"builtins.LookupError"
    assert b"in handle" in (told["dlq-traceback"] or b"")


async def test_outage_waits_and_resumes(
    probe: Probe, producer: Producer, consumer_of: ConsumerOf, until: Until
) -> None:
    """While a dependency is down nothing is dead-lettered, and the consumer is not ready."""
    await producer.publish([probe.message(n) for n in range(50)])
    down = True
    seen: list[int] = []

    async def handle(events: Events) -> None:
        if down and len(seen) >= 5:
            raise Retryable("down")
        seen.extend(numbers(events))

    consumer = consumer_of(probe, handle, max_batch=5, unready_after=1.5)
    async with running(consumer):
        await until(consumer.ready)
        # Long enough for the partitions to be paused and polled on.
        await until(lambda: not consumer.ready())
        down = False
        await until(lambda: seen == list(range(50)))
        await until(consumer.ready)
    assert probe.letters() == []


async def test_settlement_failure_is_handled_again(
    probe: Probe,
    producer: Producer,
    consumer_of: ConsumerOf,
    until: Until,
) -> None:
    """Records whose settlement fails are handled again, in order, and then committed."""
    await producer.publish([probe.message(n) for n in range(30)])
    seen: list[int] = []
    failures = 3
    settled: set[int] = set()

    async def settle(first: int) -> None:
        nonlocal failures
        if first >= 10 and failures:
            failures -= 1
            raise BrokerUnavailable("no acknowledgement")
        settled.add(first)

    async def handle(events: Events) -> Awaitable[None]:
        seen.extend(numbers(events))
        return settle(numbers(events)[0])

    async with running(consumer_of(probe, handle, max_batch=5)):
        await until(lambda: settled == set(range(0, 30, 5)))
    assert set(seen) == set(range(30))
    assert len(seen) > 30
    again: list[int] = []

    async def check(events: Events) -> None:
        again.extend(numbers(events))

    await producer.publish([probe.message(30)])
    async with running(consumer_of(probe, check)):
        await until(lambda: 30 in again)
    assert again == [30]


async def test_rebalance_under_load_loses_nothing(
    make_probe: Callable[[int], Probe],
    producer: Producer,
    consumer_of: ConsumerOf,
    until: Until,
) -> None:
    """Members come and go in the middle of a load: every record is handled, in order per key."""
    probe = make_probe(4)
    total = 6000
    handled: list[tuple[str, int]] = []

    def member() -> AnyConsumer:
        async def handle(events: Events) -> Awaitable[None]:
            handled.extend(((r.key or b"").decode(), r.event.number) for r in events)
            return asyncio.sleep(0.002)

        return consumer_of(probe, handle, max_batch=20)

    async def load() -> None:
        for first in range(0, total, 100):
            await producer.publish(
                [probe.message(n, key=f"k{n % 40}") for n in range(first, first + 100)]
            )
            await asyncio.sleep(0.02)

    loading = asyncio.create_task(load())
    async with running(member()):
        await until(lambda: len(handled) > total // 6)
        second = member()
        async with running(second):
            await until(second.ready)
            await until(lambda: len(handled) > total // 2)
        await loading
        await until(lambda: len(set(handled)) == total)
    per_key: dict[str, list[int]] = defaultdict(list)
    for key, number in dict.fromkeys(handled):
        per_key[key].append(number)
    assert all(found == sorted(found) for found in per_key.values())
    assert probe.letters() == []


async def test_kill_in_the_middle_of_a_batch(
    probe: Probe,
    producer: Producer,
    settings: RuntimeSettings,
    client: type[Any],
    until: Until,
    tmp_path: Path,
) -> None:
    """A consumer killed with -9 and started again has handled everything in the end."""
    total = 1000
    await producer.publish([probe.message(n) for n in range(total)])
    output = tmp_path / "handled"
    output.touch()
    command = [
        sys.executable,
        str(VICTIM),
        settings.kafka,
        "1" if settings.kafka_idempotence else "0",
        probe.topic,
        str(output),
        client.__name__,
    ]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command)

    def handled() -> list[int]:
        return [int(line) for line in output.read_text().splitlines()]

    victim = start()
    try:
        await until(lambda: len(handled()) > 120)
    finally:
        victim.kill()
        victim.wait(10)
    before = len(handled())
    assert before < total
    victim = start()
    try:
        await until(lambda: len(set(handled())) == total)
    finally:
        victim.kill()
        victim.wait(10)


async def test_a_flood_of_dead_letters_stops_the_consumer(
    probe: Probe,
    producer: Producer,
    consumer_of: ConsumerOf,
) -> None:
    """Past the limit `run` raises and the rest of the topic stays unread."""
    await producer.publish([probe.message(n) for n in range(20)])

    async def handle(events: Events) -> None:
        raise Poison("everything")

    consumer = consumer_of(probe, handle, dead_letters_a_minute=4)
    with pytest.raises(DeadLetterLimit):
        await asyncio.wait_for(consumer.run(), 30)
    assert len(probe.letters()) == 4


async def test_cancelled_consumer_commits_what_is_settled(
    probe: Probe,
    producer: Producer,
    consumer_of: ConsumerOf,
    until: Until,
) -> None:
    """A cancelled `run` commits before it ends: the next member repeats nothing."""
    await producer.publish([probe.message(n) for n in range(10)])
    seen: list[int] = []

    async def handle(events: Events) -> None:
        seen.extend(numbers(events))

    task = asyncio.create_task(consumer_of(probe, handle).run())
    await until(lambda: len(seen) == 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await producer.publish([probe.message(10)])
    async with running(consumer_of(probe, handle)):
        await until(lambda: seen[-1] == 10)
    assert seen == list(range(11))


async def test_a_broker_that_goes_and_comes_back(
    own_broker: Tansu,
    own_probe: Callable[[], Probe],
    until: Until,
    client: type[Any],
) -> None:
    """A consumer waits out a broker that is gone, goes on when it is back, and when stopped while
    it is gone ends within its deadline."""
    settings = RuntimeSettings(
        kafka=own_broker.url, kafka_idempotence=False, internal_port=0, stop_timeout=6
    )
    probe = own_probe()
    seen: list[int] = []

    async def handle(events: Events) -> None:
        seen.extend(numbers(events))

    producer = Producer(settings, client_id="test", delivery_timeout=1)
    await producer.start()
    consumer = client(settings, group="g", event_type=probe.type, handler=handle, producer=producer)
    task = asyncio.create_task(consumer.run())
    await producer.publish([probe.message(1)])
    await until(lambda: seen == [1])
    await asyncio.to_thread(own_broker.stop)
    with pytest.raises(BrokerUnavailable):
        await producer.publish([probe.message(2)], timeout=1)
    await asyncio.to_thread(own_broker.start)
    own_probe()
    async with asyncio.timeout(20):
        while True:
            try:
                await producer.publish([probe.message(3)])
                break
            except BrokerUnavailable:
                continue
    await until(lambda: 3 in seen)
    assert not task.done()
    await asyncio.to_thread(own_broker.stop)
    started = time.monotonic()
    consumer.stop()
    await asyncio.wait_for(task, 10)
    assert time.monotonic() - started < settings.stop_timeout + 2
    await producer.stop()
