"""The order of things between fetching a batch and committing it.

    offer ─▶ waiting ─▶ decode ─▶ handler ─▶ in flight (≤ in_flight batches) ─▶ settled, in order
                          │          │               │
                          │          │               └─ a settlement failed: wait for the others,
                          │          │                  back off, handle again from that batch on
                          │          ├─ Retryable: back off, the same batch again
                          │          └─ any other error: one record at a time
                          │               ├─ Poison ─▶ last words ─▶ dead letter
                          │               └─ error ─▶ three tries ─▶ last words ─▶ dead letter
                          └─ undecodable ─▶ dead letter

Guarantees: the handler is never called concurrently with itself, and sees the records of a
partition in the order of the log (again from an earlier one after a failure: at least once).
Offsets move only past records that are settled or acknowledged as dead letters.
Must not: know the broker's client; `consumer` feeds it, `HeldPartitions` says what it may handle.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar, cast

import msgspec

from coop_contracts.event import Event
from coop_runtime.kafka import metric
from coop_runtime.kafka.batch import Batch, Fetched
from coop_runtime.kafka.batch_span import batch_span
from coop_runtime.kafka.dead_letter import DeadLetterWriter, Failure
from coop_runtime.kafka.message import Headers, Received
from coop_runtime.kafka.partition import HeldPartitions
from coop_runtime.kafka.record import Record
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.error import Poison, Retryable
from coop_runtime.process.log import logger

E = TypeVar("E", bound=Event)
Handler = Callable[[Sequence[Received[E]]], Awaitable[Awaitable[None] | None]]
LastWords = Callable[[Received[E], Exception], Awaitable[None]]
"""Tells others that a record will not be handled, and why: who waits for it need not."""

TRIES = 3
HANDLE_SECONDS = 60.0
SETTLE_SECONDS = 30.0

_log = logger(__name__)


class _Stopped(Exception):
    """Asked to stop while waiting for a dependency."""


class Pipeline(Generic[E]):
    """Used by one Consumer. `taken` is called whenever a waiting batch is taken up: there is room
    for one more. `independent`: no record need be handled after another; then what is settled is
    not kept, nor handled again when what came before it failed."""

    def __init__(  # noqa: PLR0913 - built in one place
        self,
        event_type: type[E],
        handler: Handler[E],
        *,
        group: str,
        partitions: HeldPartitions,
        dead_letters: DeadLetterWriter,
        taken: Callable[[], None],
        in_flight: int = 4,
        backoff: Backoff | None = None,
        handle_timeout: float = HANDLE_SECONDS,
        settle_timeout: float = SETTLE_SECONDS,
        last_words: LastWords[E] | None = None,
        independent: bool = False,
    ) -> None:
        self._last_words = last_words
        self._independent = independent
        self._decode = msgspec.json.Decoder(event_type).decode
        self._handler = handler
        self._group = group
        self._partitions = partitions
        self._dead_letters = dead_letters
        self._taken = taken
        self._in_flight = in_flight
        self._backoff = backoff or Backoff()
        self._handle_timeout = handle_timeout
        self._settle_timeout = settle_timeout
        self._waiting: deque[Fetched] = deque()
        self._window: deque[Batch[E]] = deque()
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._stopping = False
        self._records = metric.CONSUMER_RECORDS.labels(group)
        self._batches = metric.CONSUMER_BATCHES.labels(group)
        self._seconds = metric.CONSUMER_BATCH_SECONDS.labels(group)
        self._backing_off = metric.CONSUMER_BACKING_OFF.labels(group)

    @property
    def failing_for(self) -> float:
        """Seconds for which a dependency has been down; 0 while all is well."""
        return self._backoff.failing_for

    def offer(self, fetched: Fetched) -> None:
        """Hand in the next batch; call in the order of the log, in the event loop."""
        self._waiting.append(fetched)
        self._wake.set()

    def stop(self) -> None:
        """Take up no more; `run` returns when what is in flight is settled."""
        self._stopping = True
        self._wake.set()
        self._hurry.set()

    def hurry(self) -> None:
        """Partitions were taken away: end a back-off now, to drop what is no longer ours."""
        self._hurry.set()

    async def run(self) -> None:
        """Raises DeadLetterLimit."""
        try:
            while True:
                self._retire()
                if any(_failure(batch) for batch in self._window):
                    if self._stopping:
                        return
                    await self._handle_again()
                elif self._stopping:
                    if not self._window:
                        return
                    await self._change()
                elif self._waiting and len(self._window) < self._in_flight:
                    await self._begin(self._waiting.popleft())
                else:
                    await self._change()
        except _Stopped:
            return
        finally:
            self._backing_off.set(0)
            for batch in self._window:
                if batch.settlement is not None:
                    batch.settlement.cancel()
                batch.give_up()

    async def _change(self) -> None:
        self._wake.clear()
        await self._wake.wait()

    def _retire(self) -> None:
        """Settle the batches at the head of the window, in order."""
        window = self._window
        while window:
            settlement = window[0].settlement
            if settlement is None or not settlement.done() or _failure(window[0]):
                return
            batch = window.popleft()
            batch.settle()
            self._backoff.reset()
            self._backing_off.set(0)
            self._records.inc(batch.fetched)
            self._seconds.observe(time.perf_counter() - batch.started)

    async def _begin(self, fetched: Fetched) -> None:
        batch: Batch[E] = Batch(fetched, self._partitions)
        self._taken()
        self._window.append(batch)
        self._batches.inc()
        undecodable = self._decode_into(batch)
        if undecodable:
            await self._dead_letters.write(undecodable, wait=self._back_off)
        await self._handle(batch)

    def _decode_into(self, batch: Batch[E]) -> list[Failure]:
        failures = []
        records, batch.records = batch.records, []
        for record in records:
            try:
                event = self._decode(record.value or b"")
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                failures.append(Failure(record, "undecodable", error))
                continue
            batch.records.append(record)
            batch.events.append(_received(event, record))
        return failures

    async def _handle(self, batch: Batch[E]) -> None:
        """Give the batch to the handler until it takes it, and begin its settlement."""
        while True:
            batch.shed()
            settlement = None
            if batch.isolate or not batch.events:
                await self._one_by_one(batch)
                break
            try:
                settlement = await self._call(batch.events)
                break
            except Retryable as error:
                await self._back_off(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, one record is to blame
                self._isolate(batch, error)
        batch.settlement = asyncio.ensure_future(self._settled(settlement))
        batch.settlement.add_done_callback(lambda _: self._ended(batch))

    def _ended(self, batch: Batch[E]) -> None:
        if self._independent and not _failure(batch):
            # It will not be handled again, however long it waits for those before it.
            batch.records, batch.events = [], []
        self._wake.set()

    async def _call(self, events: Sequence[Received[E]]) -> Awaitable[None] | None:
        try:
            with batch_span(events, group=self._group):
                async with asyncio.timeout(self._handle_timeout) as deadline:
                    return await self._handler(events)
        except TimeoutError as error:
            if deadline.expired():
                raise Retryable(f"the handler took over {self._handle_timeout} s") from error
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise Retryable("something the handler waited for was cancelled") from None

    async def _settled(self, settlement: Awaitable[None] | None) -> None:
        if settlement is None:
            return
        try:
            async with asyncio.timeout(self._settle_timeout) as deadline:
                await settlement
        except TimeoutError as error:
            if deadline.expired():
                raise Retryable(f"not settled within {self._settle_timeout} s") from error
            raise

    def _isolate(self, batch: Batch[E], error: Exception) -> None:
        batch.isolate = True
        if len(batch.events) == 1:
            batch.error = error
            return
        _log.warning(
            "batch failed, one by one now",
            group=self._group,
            records=len(batch.events),
            error=repr(error),
        )
        metric.CONSUMER_RETRIES.labels(self._group, "error").inc()

    async def _one_by_one(self, batch: Batch[E]) -> None:
        while batch.events:
            try:
                failure = await self._alone(batch.records[0], batch.events[0], batch.error)
            except Retryable as error:
                await self._back_off(error)
            else:
                batch.error = None
                if failure is not None:
                    await self._say_last(batch.events[0], failure.error)
                    await self._dead_letters.write([failure], wait=self._back_off)
                self._backoff.reset()
                batch.drop_first()
            batch.shed()

    async def _alone(
        self, record: Record, event: Received[E], error: Exception | None
    ) -> Failure | None:
        """Handle one record, of which `error` came before, if any; why it cannot be, if so."""
        tries, schedule = 0, Backoff()
        while True:
            error = error or await self._try(event)
            if error is None:
                return None
            if isinstance(error, Poison):
                return Failure(record, "poison", error)
            tries += 1
            if tries >= TRIES:
                return Failure(record, "error", error)
            metric.CONSUMER_RETRIES.labels(self._group, "error").inc()
            await self._pause(schedule.next_delay())
            error = None

    async def _try(self, event: Received[E]) -> Exception | None:
        try:
            await self._settled(await self._call([event]))
        except Retryable:
            raise
        except Exception as error:  # noqa: BLE001 - a bug of the handler, whatever its class
            return error
        return None

    async def _say_last(self, event: Received[E], error: Exception) -> None:
        """Said again after a crash before the letter: it has to be the same then."""
        while self._last_words is not None:
            try:
                async with asyncio.timeout(self._handle_timeout):
                    await self._last_words(event, error)
                return
            except (Retryable, TimeoutError) as outage:
                await self._back_off(outage)
            except Exception as bug:  # noqa: BLE001 - the letter is worth more than its words
                _log.error("no last words", group=self._group, error=repr(bug))
                return

    async def _handle_again(self) -> None:
        """A settlement failed: handle again, in order, from its batch to the newest; those alone
        that failed, where records are independent."""
        if not self._independent:
            await asyncio.wait([b.settlement for b in self._window if b.settlement is not None])
        self._retire()
        again = [batch for batch in self._window if batch.settlement is not None]
        if self._independent:
            again = [batch for batch in again if _failure(batch)]
        outage: Retryable | None = None
        for batch in again:
            error = _failure(batch)
            if isinstance(error, Retryable):
                outage = error
            elif error is not None:
                self._isolate(batch, error)
            batch.settlement = None
        if outage is not None:
            await self._back_off(outage)
        for batch in again:
            await self._handle(batch)

    async def _back_off(self, error: Exception) -> None:
        delay = self._backoff.next_delay()
        metric.CONSUMER_RETRIES.labels(self._group, "outage").inc()
        self._backing_off.set(1)
        _log.warning(
            "dependency down, backing off",
            group=self._group,
            error=repr(error),
            seconds=round(delay, 2),
            failing_for=round(self._backoff.failing_for, 1),
        )
        await self._pause(delay)

    async def _pause(self, delay: float) -> None:
        if not self._stopping:
            self._hurry.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._hurry.wait()
        if self._stopping:
            raise _Stopped


def _failure(batch: Batch[E]) -> Exception | None:
    settlement = batch.settlement
    if settlement is None or not settlement.done():
        return None
    if settlement.cancelled():
        return Retryable("the settlement was cancelled")
    return cast("Exception | None", settlement.exception())


def _received(event: E, record: Record) -> Received[E]:
    return Received(
        event,
        record.key,
        record.topic,
        record.partition,
        record.offset,
        Headers(record.headers),
        record.timestamp_ms,
    )
