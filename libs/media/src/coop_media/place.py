"""Places for work on media, shared by organisation.

    line_up ─▶ its organisation's line ─▶ whoever has fewest places, then waited longest ─▶ a place

Guarantees: one organisation never has all places, and the last `kept` ones are for those that have
none; a free place goes to the organisation that has the fewest; beyond its own an organisation
waits in its own line, which is bounded in number and in time; then `MediaBusy`.
Must not: know what is done in a place.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from coop_media.fault import MediaBusy
from coop_media.limit import PlaceLimits
from coop_media.metric import REFUSED

Ticket = asyncio.Future[None]
"""Done when the place is there."""


class _Line:
    __slots__ = ("at_work", "served", "waiting")

    def __init__(self) -> None:
        self.at_work: set[Ticket] = set()
        self.served = 0  # the turn in which it got its last place
        self.waiting: deque[Ticket] = deque()


class MediaPlaces:
    """The places of one process."""

    def __init__(self, limits: PlaceLimits) -> None:
        self._limits = limits
        self._taken = 0
        self._turn = 0
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def taken(self, org_id: str) -> AsyncIterator[None]:
        """A place, for as long as the block lasts. Raises `MediaBusy`."""
        ticket = self.line_up(org_id)
        try:
            try:
                async with asyncio.timeout(self._limits.within):
                    await ticket
            except TimeoutError:
                REFUSED.inc()
                raise MediaBusy from None
            yield
        finally:
            self.leave(org_id, ticket)

    def line_up(self, org_id: str) -> Ticket:
        """A place in the line, for who will `leave`. Raises `MediaBusy` where the line is full."""
        line = self._lines.setdefault(org_id, _Line())
        if len(line.waiting) >= self._limits.waiting and not self._may(line):
            REFUSED.inc()
            raise MediaBusy
        ticket: Ticket = asyncio.get_running_loop().create_future()
        line.waiting.append(ticket)
        self._give()
        return ticket

    def leave(self, org_id: str, ticket: Ticket) -> None:
        """The place is free, or is not waited for any more."""
        line = self._lines[org_id]
        if ticket in line.at_work:
            line.at_work.remove(ticket)
            self._taken -= 1
        else:
            ticket.cancel()
            with suppress(ValueError):
                line.waiting.remove(ticket)
        if not line.at_work and not line.waiting:
            del self._lines[org_id]
        self._give()

    def _may(self, line: _Line) -> bool:
        left = self._limits.places - self._taken
        if line.at_work:
            left -= self._limits.kept
        return left > 0 and len(line.at_work) < self._limits.of_one

    def _give(self) -> None:
        while True:
            lines = [line for line in self._lines.values() if line.waiting and self._may(line)]
            if not lines:
                return
            line = min(lines, key=lambda one: (len(one.at_work), one.served))
            ticket = line.waiting.popleft()
            if ticket.done():
                continue  # cancelled: who waited for it leaves in a moment
            self._turn += 1
            line.served = self._turn
            line.at_work.add(ticket)
            self._taken += 1
            ticket.set_result(None)


class ByteBudget:
    """Bytes that all files of a process may take together. Who waits, waits in a line."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = size
        self._line: deque[tuple[int, asyncio.Future[None]]] = deque()

    def part(self) -> BudgetPart:
        """A part of it, empty at first; close it when done."""
        return BudgetPart(self)

    def at_once(self, size: int) -> bool:
        """Take so many, if they are free and nobody waits."""
        if self._line or self._left < size:
            return False
        self._left -= size
        return True

    async def taken(self, size: int) -> None:
        """Take so many, once they are free."""
        if self.at_once(size):
            return
        free: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (size, free)
        self._line.append(entry)
        try:
            await free
        except asyncio.CancelledError:
            if free.done() and not free.cancelled():
                self.give(size)
            else:
                self._line.remove(entry)
                self.give(0)
            raise

    def give(self, size: int) -> None:
        """So many are free again."""
        self._left += size
        while self._line and self._line[0][0] <= self._left:
            wanted, free = self._line.popleft()
            if not free.done():
                self._left -= wanted
                free.set_result(None)

    def most(self, size: int) -> int:
        """What one may take of so many."""
        return min(size, self._size)


class BudgetPart:
    """What one file has of the budget."""

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self._held = 0

    def grow_at_once(self, size: int) -> bool:
        """Have so many altogether, if that needs no waiting."""
        size = self._budget.most(size)
        if size > self._held:
            if not self._budget.at_once(size - self._held):
                return False
            self._held = size
        return True

    async def grow(self, size: int) -> None:
        """Have so many altogether. What is held is given back first: nobody waits for who waits."""
        self.close()
        size = self._budget.most(size)
        await self._budget.taken(size)
        self._held = size

    def close(self) -> None:
        """Give all of it back."""
        held, self._held = self._held, 0
        self._budget.give(held)

    def __enter__(self) -> BudgetPart:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
