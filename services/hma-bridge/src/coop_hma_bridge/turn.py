"""Submissions on their way, in turns between organisations.

    batch ─▶ its organisation's line ─▶ at most `places` under way ─▶ done
                     ▲                         │
                     └──── ours is at fault ───┘ (`Turn.paused`)

Guarantees: a submission whose host is slow holds up its own organisation's share of the places, and
nobody else's; one that waits because of us leaves its place to the next meanwhile; what is taken in
is bounded in number and in bytes; what stands in line costs no task.
Must not: know what is done with a submission, or drop one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

from coop_media.limit import PlaceLimits
from coop_media.place import MediaPlaces, Ticket

T = TypeVar("T")

_SIZE = 64 * 1024 * 1024  # bytes of all that is taken in


class Turn:
    """The place of one submission."""

    def __init__(self, places: MediaPlaces, org_id: str, ticket: Ticket) -> None:
        self._places = places
        self._org_id = org_id
        self._ticket: Ticket | None = ticket
        self._pausing = 0

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """The place is another's during the block; afterwards it is waited for in the line."""
        self._pausing += 1
        self.leave()
        try:
            yield
        finally:
            self._pausing -= 1
        if not self._pausing and self._ticket is None:
            self._ticket = self._places.line_up(self._org_id)
        if self._ticket is not None:
            await asyncio.wait([self._ticket])

    def leave(self) -> None:
        """It is over."""
        if self._ticket is not None:
            ticket, self._ticket = self._ticket, None
            self._places.leave(self._org_id, ticket)


class Turns(Generic[T]):
    """`work` is done with each submission, in its turn. At most `taken_in` of them are there."""

    def __init__(
        self,
        work: Callable[[T, Turn], Awaitable[None]],
        *,
        places: int,
        of_one: int,
        taken_in: int,
        size: int = _SIZE,
    ) -> None:
        self._work = work
        self._places = MediaPlaces(
            PlaceLimits(places=places, of_one=of_one, kept=places // 4, waiting=2**31)
        )
        self._most = taken_in
        self._most_size = size
        self._room = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.taken_in = 0
        self._size = 0

    async def room(self) -> None:
        """Returns when there is room for more."""
        while self.taken_in >= self._most or self._size >= self._most_size:
            self._room.clear()
            await self._room.wait()

    def join(self, org_id: str, entry: T, size: int) -> asyncio.Future[None]:
        """Done when the submission is; cancelled, it is left where it is."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ticket = self._places.line_up(org_id)
        turn = Turn(self._places, org_id, ticket)
        self.taken_in += 1
        self._size += size

        def begin(_: Ticket) -> None:
            if done.done():
                return  # given up while it stood in line
            task = asyncio.get_running_loop().create_task(self._do(entry, turn, done))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            done.add_done_callback(lambda _: task.cancel())

        def end(_: asyncio.Future[None]) -> None:
            turn.leave()
            self.taken_in -= 1
            self._size -= size
            self._room.set()

        ticket.add_done_callback(begin)
        done.add_done_callback(end)
        return done

    async def _do(self, entry: T, turn: Turn, done: asyncio.Future[None]) -> None:
        try:
            await self._work(entry, turn)
        except asyncio.CancelledError:
            done.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - handed to who waits for the submission
            if not done.done():
                done.set_exception(error)
        else:
            if not done.done():
                done.set_result(None)
