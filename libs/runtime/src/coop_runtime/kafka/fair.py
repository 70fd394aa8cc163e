"""A consumer's handler under which organisations share the processor: nobody waits behind another.

    batch ─┬─▶ of organisations within their share: handled at once
           └─▶ of the others: their lines ─▶ a thread, a portion at a time, by weight
    (settled when both are)

Guarantees: a record is handled after those of its organisation that came before it; while
an organisation is alone, or its batches are short, it never waits. What waits is not committed:
killed, it comes again. What waits is bounded.
Must not: drop anything.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from coop_contracts.event import Event
from coop_runtime.kafka import metric
from coop_runtime.kafka.message import Received
from coop_runtime.process.fairness import Lines, PortionDone, ProcessorShares

E = TypeVar("E", bound=Event)

LINED_BATCHES = 2_000
"""How many batches of a consumer may be under way because something of them stands in line."""
LINE_SECONDS = 3600.0
"""How long that may take. (The lines' own bounds are what counts.)"""


class Meter(Protocol):
    """Told how much processor time each organisation takes; says whether it may take more here."""

    def charge(self, org_id: str, seconds: float, entries: int, /) -> None: ...

    def may_go_on(self, org_id: str, elapsed: float, /) -> bool:
        """Of a batch on which `elapsed` seconds were spent so far."""


class Unmetered:
    """No organisation stands in line."""

    def charge(self, _org_id: str, _seconds: float, _entries: int, /) -> None:
        """Nobody counts."""

    def may_go_on(self, _org_id: str, _elapsed: float, /) -> bool:
        """Always."""
        return True


class Handled(NamedTuple, Generic[E]):
    """`settlement` is done when the results are kept (None: they are); `left` was not handled,
    because its organisation may not go on here; `seconds` of processor time were spent."""

    settlement: Awaitable[None] | None
    left: list[Received[E]]
    seconds: float


class SharedHandler(Protocol[E]):
    """A handler that can leave out what is of organisations beyond their share."""

    async def handle(self, batch: Sequence[Received[E]], meter: Meter) -> Handled[E]:
        """In the event loop."""

    async def handle_beside(
        self, batch: Sequence[Received[E]], thread: ThreadPoolExecutor
    ) -> Handled[E]:
        """What takes the processor in the thread."""


@dataclass(frozen=True, kw_only=True)
class FairLimits:
    """Records that cost more than `heavy` seconds each, or nobody knows how much, are not handled
    in the event loop: nobody can be let go first while one of them is. A batch takes `short`
    seconds before those beyond their share leave it, whoever else is there. All lines together hold
    `entries` records of `size` bytes; a line with a quarter of either is long. `unsettled`: batches
    handled at once whose settlement may be waited for."""

    heavy: float = 0.01
    short: float = 0.05
    entries: int = 20_000
    size: int = 64 * 1024 * 1024
    unsettled: int = 4


class FairHandler(Generic[E]):
    """Wraps a handler. `lines.run` has to run beside the consumer. `size_of` an event, in bytes."""

    def __init__(
        self,
        handler: SharedHandler[E],
        shares: ProcessorShares,
        limits: FairLimits,
        *,
        group: str,
        size_of: Callable[[E], int],
    ) -> None:
        self._handler = handler
        self._shares = shares
        self._limits = limits
        self._size_of = size_of
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"lines {group}")
        self._unsettled: deque[asyncio.Future[None]] = deque()
        self._waited = metric.CONSUMER_WAITED.labels(group)
        self.lines: Lines[Received[E]] = Lines(
            self._work, shares, max_entries=limits.entries, max_size=limits.size
        )
        metric.CONSUMER_WAITING.labels(group).set_function(lambda: self.lines.backlog.entries)
        metric.CONSUMER_LINES.labels(group).set_function(lambda: len(self.lines.backlogs()))

    async def __call__(self, batch: Sequence[Received[E]]) -> Awaitable[None] | None:
        """As the handler; what it returns is done when what stands in line is, too."""
        await self.lines.room()
        await self._settled_before()
        at_once: list[Received[E]] = []
        waiting: list[Received[E]] = []
        for received in batch:
            (waiting if self.lines.waits(received.event.org_id) else at_once).append(received)
        done: list[asyncio.Future[None]] = []
        if at_once:
            handled = await self._handler.handle(at_once, self)
            if handled.settlement is not None:
                settlement = asyncio.ensure_future(handled.settlement)
                self._unsettled.append(settlement)
                done.append(settlement)
            waiting += handled.left
        by_org: dict[str, list[tuple[Received[E], int]]] = {}
        for received in waiting:
            event = received.event
            by_org.setdefault(event.org_id, []).append((received, self._size_of(event)))
        done += [self.lines.join(org_id, entries) for org_id, entries in by_org.items()]
        return _all(done) if done else None

    def charge(self, org_id: str, seconds: float, entries: int, /) -> None:
        """The organisation took so much, at once."""
        self._shares.charge(org_id, seconds, entries)

    def may_go_on(self, org_id: str, elapsed: float, /) -> bool:
        """Whether the organisation needs no line."""
        if self._shares.cost(org_id) > self._limits.heavy:
            return False
        if not self._shares.over(org_id):
            return True
        return elapsed < self._limits.short and not self._shares.rivals(org_id)

    def long_lines(self) -> list[str]:
        """The organisations with a quarter of what all lines may hold."""
        most = self._limits
        return [
            org_id
            for org_id, backlog in self.lines.backlogs().items()
            if backlog.entries > most.entries // 4 or backlog.size > most.size // 4
        ]

    async def stop(self) -> None:
        """The thread ends with its portion."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _work(self, portion: Sequence[Received[E]]) -> PortionDone:
        handled = await self._handler.handle_beside(portion, self._thread)
        self._waited.inc(len(portion))
        return PortionDone(handled.seconds, handled.settlement)

    async def _settled_before(self) -> None:
        while self._unsettled and self._unsettled[0].done():
            self._unsettled.popleft()
        while len(self._unsettled) >= self._limits.unsettled:
            await asyncio.wait([self._unsettled.popleft()])


async def _all(done: Sequence[asyncio.Future[None]]) -> None:
    """When all are done; raises the first failure, once none is under way. Cancelled: what has not
    begun is left out."""
    try:
        await asyncio.wait(done)
    except asyncio.CancelledError:
        for one in done:
            one.cancel()
        raise
    for one in done:
        one.result()
