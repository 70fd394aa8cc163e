"""Places for work on media, shared by organisation.

Guarantees: one organisation never has all places; beyond its own it waits in its own line, which is
bounded in number and in time; then `MediaBusy`.
Must not: know what is done in a place.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from coop_media.fault import MediaBusy
from coop_media.limit import PlaceLimits
from coop_media.metric import REFUSED


class _Line:
    def __init__(self, places: int) -> None:
        self.places = asyncio.Semaphore(places)
        self.people = 0  # who have a place or wait for one


class MediaPlaces:
    """The places of one process."""

    def __init__(self, limits: PlaceLimits) -> None:
        self._limits = limits
        self._places = asyncio.Semaphore(limits.places)
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def taken(self, org_id: str) -> AsyncIterator[None]:
        """A place, for as long as the block lasts. Raises `MediaBusy`."""
        line = self._lines.setdefault(org_id, _Line(self._limits.of_one))
        if line.people >= self._limits.of_one + self._limits.waiting:
            REFUSED.inc()
            raise MediaBusy
        line.people += 1
        try:
            async with self._of(line):
                yield
        finally:
            line.people -= 1
            if not line.people:
                self._lines.pop(org_id, None)

    @asynccontextmanager
    async def _of(self, line: _Line) -> AsyncIterator[None]:
        held: list[asyncio.Semaphore] = []
        try:
            async with asyncio.timeout(self._limits.within):
                for places in (line.places, self._places):
                    await places.acquire()
                    held.append(places)
        except TimeoutError:
            _release(held)
            REFUSED.inc()
            raise MediaBusy from None
        except BaseException:
            _release(held)
            raise
        try:
            yield
        finally:
            _release(held)


def _release(held: list[asyncio.Semaphore]) -> None:
    for places in held:
        places.release()


class ByteBudget:
    """Bytes that all files of a process may take together."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def taken(self, size: int) -> AsyncIterator[None]:
        """So many bytes, once they are free."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._left >= size)
            self._left -= size
        try:
            yield
        finally:
            async with self._changed:
                self._left += size
                self._changed.notify_all()
