"""The order of handling, settling and committing, without a broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Self

import pytest

from coop_contracts.event import ActionDelivered, ItemRef, encode
from coop_runtime.kafka.batch import Fetched
from coop_runtime.kafka.dead_letter import DeadLetterWriter
from coop_runtime.kafka.message import RawMessage, Received
from coop_runtime.kafka.partition import HeldPartitions, TopicPartition
from coop_runtime.kafka.pipeline import TRIES, Pipeline
from coop_runtime.kafka.record import Record
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.error import BrokerUnavailable, DeadLetterLimit, Poison, Retryable

TOPIC = ActionDelivered.topic
P0 = TopicPartition(TOPIC, 0)
P1 = TopicPartition(TOPIC, 1)
WAIT = 5.0

Events = Sequence[Received[ActionDelivered]]


def event_bytes(number: int) -> bytes:
    return encode(
        ActionDelivered(
            event_id=f"e{number}",
            org_id="o",
            time=datetime(2026, 1, 1, tzinfo=UTC),
            correlation_id="c",
            execution_id=f"x{number}",
            action_id="a",
            item=ItemRef("i", "t"),
            state="DELIVERED",
            attempts=1,
        )
    )


def record(offset: int, partition: int = 0, value: bytes | None = None) -> Record:
    raw = event_bytes(offset) if value is None else value
    return Record(TOPIC, partition, offset, b"k", raw, [("h", b"v")], 1)


class Rig:
    """A pipeline with a handler of the test's, and what came of it."""

    def __init__(
        self,
        handle: Callable[[Events], Awaitable[Awaitable[None] | None]],
        *,
        in_flight: int = 4,
        limit: int = 100,
        independent: bool = False,
        **timeouts: float,
    ) -> None:
        self.partitions = HeldPartitions()
        self.partitions.assign([P0, P1])
        self.letters: list[RawMessage] = []
        self.taken = 0
        self.broker_up = True
        self.pipeline = Pipeline(
            ActionDelivered,
            handle,
            group="g",
            partitions=self.partitions,
            dead_letters=DeadLetterWriter(self._publish, group="g", service="s", limit=limit),
            taken=self._take,
            in_flight=in_flight,
            backoff=Backoff(first=0.001, last=0.002),
            last_words=self._last_words,
            independent=independent,
            **timeouts,
        )
        self.said: list[tuple[str, str, int]] = []  # event, error, letters written before
        self.mute = 0
        self.task: asyncio.Task[None] | None = None

    async def _publish(self, letters: Sequence[RawMessage]) -> None:
        if not self.broker_up:
            raise BrokerUnavailable("away")
        self.letters += letters

    async def _last_words(self, event: Received[ActionDelivered], error: Exception) -> None:
        if self.mute:
            self.mute -= 1
            raise BrokerUnavailable("away")
        self.said.append((event.event.event_id, type(error).__name__, len(self.letters)))

    def _take(self) -> None:
        self.taken += 1

    def offer(self, *records: Record) -> None:
        generations = {}
        for r in records:
            partition = TopicPartition(r.topic, r.partition)
            generation = self.partitions.generation(partition)
            assert generation is not None
            generations[partition] = generation
        self.pipeline.offer(Fetched(records, generations))

    def settled(self, partition: TopicPartition = P0) -> int | None:
        return self.partitions.settled_offset(partition)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        self.task = asyncio.create_task(self.pipeline.run())
        try:
            yield self
        finally:
            self.pipeline.stop()
            if not self.task.done():
                await asyncio.wait_for(self.task, WAIT)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT):
        while not condition():  # noqa: ASYNC110 - whatever the condition is
            await asyncio.sleep(0)


def offsets(events: Events) -> list[int]:
    return [event.offset for event in events]


async def test_settles_after_the_handler() -> None:
    """A batch without a settlement of its own is settled when its handler has returned."""
    seen: list[int] = []

    async def handle(events: Events) -> None:
        seen.extend(offsets(events))

    async with Rig(handle).running() as rig:
        rig.offer(record(0), record(1), record(7, partition=1))
        await until(lambda: rig.settled() == 2 and rig.settled(P1) == 8)
    assert seen == [0, 1, 7]
    assert rig.taken == 1


async def test_settlements_overlap_and_commit_in_order() -> None:
    """Up to `in_flight` batches are handled before the first settles; offsets move in order."""
    settlements: list[asyncio.Future[None]] = []

    async def handle(events: Events) -> Awaitable[None]:
        settlements.append(asyncio.get_running_loop().create_future())
        return settlements[-1]

    async with Rig(handle, in_flight=3).running() as rig:
        for offset in range(4):
            rig.offer(record(offset))
        await until(lambda: len(settlements) == 3)
        settlements[1].set_result(None)
        settlements[2].set_result(None)
        for _ in range(20):
            await asyncio.sleep(0)
        assert rig.settled() is None
        assert len(settlements) == 3
        settlements[0].set_result(None)
        await until(lambda: rig.settled() == 3 and len(settlements) == 4)
        settlements[3].set_result(None)
        await until(lambda: rig.settled() == 4)


async def test_failed_settlement_is_handled_again_in_order() -> None:
    """When a settlement fails, its batch and all later ones are handled again, in order."""
    calls: list[list[int]] = []
    broken = True

    async def handle(events: Events) -> Awaitable[None]:
        calls.append(offsets(events))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if broken and events[0].offset == 1:
            future.set_exception(BrokerUnavailable("no"))
        else:
            future.set_result(None)
        return future

    async with Rig(handle).running() as rig:
        for offset in range(3):
            rig.offer(record(offset))
        await until(lambda: len(calls) > 4)
        assert rig.settled() == 1
        broken = False
        await until(lambda: rig.settled() == 3)
    assert calls[0] == [0]
    assert calls.count([0]) == 1
    last = [call for call in calls if call != [0]][-2:]
    assert last == [[1], [2]]
    assert not rig.letters


async def test_bug_in_a_settlement_isolates_its_batch() -> None:
    """A bug in a settlement makes its batch go one by one, and the culprit a dead letter."""

    async def settle(events: Events) -> None:
        if 1 in offsets(events):
            raise KeyError("bug")

    async def handle(events: Events) -> Awaitable[None]:
        return settle(events)

    async with Rig(handle).running() as rig:
        rig.offer(record(0), record(1), record(2))
        await until(lambda: rig.settled() == 3)
    assert header(rig.letters[0], "dlq-offset") == b"1"
    assert len(rig.letters) == 1


def header(letter: RawMessage, name: str) -> bytes | None:
    return dict(letter.headers)[name]


async def test_retryable_never_dead_letters() -> None:
    """An outage is waited out with the batch whole, and ends with it settled."""
    calls = 0

    async def handle(events: Events) -> None:
        nonlocal calls
        calls += 1
        if calls < 50:
            raise Retryable("down")

    async with Rig(handle).running() as rig:
        rig.offer(record(0), record(1))
        await until(lambda: calls == 5)
        assert rig.pipeline.failing_for > 0
        await until(lambda: rig.settled() == 2)
        assert rig.pipeline.failing_for == 0
    assert not rig.letters


async def test_undecodable_is_a_letter_and_the_rest_is_handled() -> None:
    """Bytes that are no event go aside at once; the others of the batch are handled."""
    seen: list[int] = []

    async def handle(events: Events) -> None:
        seen.extend(offsets(events))

    wrong_tag = event_bytes(3).replace(b"action-delivered", b"decision-made")
    async with Rig(handle).running() as rig:
        rig.offer(
            record(0),
            record(1, value=b"\xff\xfe{"),
            record(2),
            record(3, value=wrong_tag),
            record(4, value=b""),
            record(5, value=b"[" * 100_000),
            record(6),
        )
        await until(lambda: rig.settled() == 7)
    assert seen == [0, 2, 6]
    assert [header(letter, "dlq-offset") for letter in rig.letters] == [b"1", b"3", b"4", b"5"]
    assert {header(letter, "dlq-reason") for letter in rig.letters} == {b"undecodable"}
    first = rig.letters[0]
    assert (first.topic, first.key, first.value) == (TOPIC + ".dlq", b"k", b"\xff\xfe{")
    assert first.headers[0] == ("h", b"v")


async def test_bug_is_tried_three_times_then_a_letter_with_traceback() -> None:
    """A handler's error on one record: three tries alone, then a dead letter that says where."""
    alone = 0

    async def handle(events: Events) -> None:
        nonlocal alone
        if 1 in offsets(events):
            alone += len(events) == 1
            raise ZeroDivisionError("boom")

    async with Rig(handle).running() as rig:
        rig.offer(record(0), record(1), record(2))
        await until(lambda: rig.settled() == 3)
    assert alone == TRIES
    (letter,) = rig.letters
    assert header(letter, "dlq-reason") == b"error"
    assert header(letter, "dlq-error-type") == b"builtins.ZeroDivisionError"
    trace = header(letter, "dlq-traceback")
    assert trace is not None
    assert b"test_pipeline.py" in trace


async def test_poison_is_a_letter_at_once() -> None:
    """A record that its handler calls poison is not tried again."""
    calls: list[list[int]] = []

    async def handle(events: Events) -> None:
        calls.append(offsets(events))
        if 1 in offsets(events):
            raise Poison("never")

    async with Rig(handle).running() as rig:
        rig.offer(record(0), record(1), record(2))
        await until(lambda: rig.settled() == 3)
    assert calls == [[0, 1, 2], [0], [1], [2]]
    assert header(rig.letters[0], "dlq-reason") == b"poison"


async def test_letter_waits_for_the_broker() -> None:
    """No offset moves past a bad record before its dead letter is acknowledged."""

    async def handle(events: Events) -> None:
        return None

    rig = Rig(handle)
    rig.broker_up = False
    async with rig.running():
        rig.offer(record(0, value=b"no"), record(1))
        await until(lambda: rig.pipeline.failing_for > 0)
        assert rig.settled() is None
        rig.broker_up = True
        await until(lambda: rig.settled() == 2)
    assert len(rig.letters) == 1


async def test_too_many_letters_stop_the_consumer() -> None:
    """Past the limit `run` raises, nothing more is written and nothing of the batch is settled."""

    async def handle(events: Events) -> None:
        raise Poison("all of them")

    rig = Rig(handle, limit=3)
    task = asyncio.create_task(rig.pipeline.run())
    rig.offer(*(record(offset) for offset in range(10)))
    with pytest.raises(DeadLetterLimit):
        await asyncio.wait_for(task, WAIT)
    assert len(rig.letters) == 3
    assert rig.settled() is None


async def test_revoked_partition_is_dropped_between_attempts() -> None:
    """Records of a partition that is taken away are handled no more; the others go on."""
    calls: list[set[int]] = []

    async def handle(events: Events) -> None:
        calls.append({event.partition for event in events})
        if len(calls) < 3 or 0 in calls[-1]:
            raise Retryable("down")

    async with Rig(handle).running() as rig:
        rig.offer(record(0), record(0, partition=1))
        rig.offer(record(1), record(1, partition=1))
        await until(lambda: len(calls) > 1)
        rig.partitions.close([P0])
        await until(lambda: rig.settled(P1) == 2)
        assert rig.settled(P0) is None
    assert calls[-1] == {1}


async def test_nothing_after_a_dropped_record_is_committed() -> None:
    """A later batch that settles does not move the offset past records that were given up."""
    settlements: list[asyncio.Future[None]] = []

    async def handle(events: Events) -> Awaitable[None]:
        settlements.append(asyncio.get_running_loop().create_future())
        return settlements[-1]

    async with Rig(handle).running() as rig:
        rig.offer(record(0))
        rig.offer(record(1))
        await until(lambda: len(settlements) == 2)
        rig.partitions.close([P0])
        settlements[0].set_exception(Retryable("no"))
        settlements[1].set_result(None)
        await until(lambda: rig.partitions.wait_settled([P0], 0))
        assert rig.partitions.take_committable([P0]) == {}


async def test_records_of_a_former_assignment_are_not_handled() -> None:
    """A batch fetched before its partition went and came back is dropped: it is fetched again."""
    seen: list[int] = []

    async def handle(events: Events) -> None:
        seen.extend(offsets(events))

    rig = Rig(handle)
    rig.offer(record(5))
    rig.partitions.release([P0])
    rig.partitions.assign([P0])
    rig.offer(record(3))
    async with rig.running():
        await until(lambda: rig.settled() == 4)
    assert seen == [3]


async def test_stop_waits_for_what_is_in_flight() -> None:
    """Stopping takes up no more, and returns when what was handled is settled."""
    settlement: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def handle(events: Events) -> Awaitable[None]:
        return settlement

    rig = Rig(handle, in_flight=1)
    task = asyncio.create_task(rig.pipeline.run())
    rig.offer(record(0))
    rig.offer(record(1))
    await until(lambda: rig.taken == 1)
    rig.pipeline.stop()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not task.done()
    settlement.set_result(None)
    await asyncio.wait_for(task, WAIT)
    assert rig.settled() == 1
    assert rig.taken == 1


async def test_stop_ends_a_long_back_off() -> None:
    """A consumer that waits for a dependency stops at once, and settles nothing."""

    async def handle(events: Events) -> None:
        raise Retryable("down")

    rig = Rig(handle)
    rig.pipeline._backoff = Backoff(first=1000, last=1000)
    async with rig.running():
        rig.offer(record(0))
        await until(lambda: rig.pipeline.failing_for > 0)
    assert rig.settled() is None


async def test_a_taken_partition_ends_a_long_back_off() -> None:
    """A partition that goes in the middle of an outage is let go at once, not after the wait."""

    async def handle(events: Events) -> None:
        raise Retryable("down")

    rig = Rig(handle)
    rig.pipeline._backoff = Backoff(first=1000, last=1000)
    async with rig.running():
        rig.offer(record(0))
        await until(lambda: rig.pipeline.failing_for > 0)
        rig.partitions.close([P0])
        rig.pipeline.hurry()
        await until(lambda: rig.partitions.wait_settled([P0], 0))
    assert rig.settled() is None


async def test_hanging_handler_is_an_outage() -> None:
    """A handler that hangs past its deadline is cancelled and called again."""
    calls = 0

    async def handle(events: Events) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.Event().wait()

    async with Rig(handle, handle_timeout=0.01).running() as rig:
        rig.offer(record(0))
        await until(lambda: rig.settled() == 1)
    assert calls == 2
    assert not rig.letters


async def test_hanging_settlement_is_an_outage() -> None:
    """A settlement that hangs past its deadline is given up and the batch handled again."""
    calls = 0

    async def handle(events: Events) -> Awaitable[None] | None:
        nonlocal calls
        calls += 1
        return asyncio.get_running_loop().create_future() if calls == 1 else None

    async with Rig(handle, settle_timeout=0.01).running() as rig:
        rig.offer(record(0))
        await until(lambda: rig.settled() == 1)
    assert calls == 2


async def test_the_handler_never_overlaps_itself() -> None:
    """However many batches wait, the handler is called once at a time, in the order of the log."""
    running = 0
    seen: list[int] = []

    async def handle(events: Events) -> None:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0)
        seen.extend(offsets(events))
        running -= 1

    async with Rig(handle).running() as rig:
        for offset in range(20):
            rig.offer(record(offset))
        await until(lambda: rig.settled() == 20)
    assert seen == list(range(20))


async def test_a_batch_of_one_counts_as_a_try() -> None:
    """A record that came alone is tried three times in all, poison once."""
    calls: list[int] = []

    async def handle(events: Events) -> None:
        calls.extend(offsets(events))
        raise Poison("never") if offsets(events) == [1] else KeyError("bug")

    async with Rig(handle).running() as rig:
        rig.offer(record(0))
        rig.offer(record(1))
        await until(lambda: rig.settled() == 2)
    assert calls == [0] * TRIES + [1]
    assert [header(letter, "dlq-reason") for letter in rig.letters] == [b"error", b"poison"]


@pytest.mark.parametrize("error", [KeyError("bug"), Poison("no")], ids=["a bug", "poison"])
async def test_last_words_come_before_the_letter(error: Exception) -> None:
    """Once for the record that cannot be handled, waited for while the broker is away; never for
    one that can, or of which a later try goes well."""
    fails = {0: 1}

    async def handle(events: Events) -> None:
        for event in events:
            if event.offset == 1:
                raise error
            if len(events) == 1 and fails.get(event.offset, 0):
                fails[event.offset] -= 1
                raise KeyError("once")

    rig = Rig(handle)
    rig.mute = 3
    async with rig.running():
        rig.offer(record(0), record(1), record(2))
        await until(lambda: rig.settled() == 3)
    assert rig.said == [("e1", type(error).__name__, 0)]
    assert len(rig.letters) == 1


async def test_independent_batches_wait_for_nobody() -> None:
    """While one is being settled, and when it fails, those after it are neither kept nor handled
    again; offsets still move in order."""
    slow: list[asyncio.Future[None]] = []
    calls: list[list[int]] = []

    async def handle(events: Events) -> Awaitable[None] | None:
        calls.append(offsets(events))
        if events[0].offset != 0:
            return None
        slow.append(asyncio.get_running_loop().create_future())
        return slow[-1]

    async with Rig(handle, in_flight=100, independent=True).running() as rig:
        for offset in range(50):
            rig.offer(record(offset))
        await until(lambda: len(calls) == 50)
        for _ in range(10):
            await asyncio.sleep(0)
        assert rig.settled() is None
        assert sum(len(batch.events) for batch in rig.pipeline._window) == 1
        slow[0].set_exception(BrokerUnavailable("no"))
        await until(lambda: len(slow) == 2)
        slow[1].set_result(None)
        await until(lambda: rig.settled() == 50)
    assert len(calls) == 51
    assert calls[-1] == [0]
