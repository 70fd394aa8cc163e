"""Places for work that takes long.

Guarantees: no more of it at a time than there are places; nobody waits longer than 10 s.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from coop_review_api.kernel.error import Unavailable

_WAIT = 10.0  # seconds


class ConcurrencyLimit:
    """The places of a process. `busy` says to who waited in vain what else is being done."""

    def __init__(self, places: int, *, busy: str) -> None:
        self._room = asyncio.Semaphore(places)
        self._busy = busy

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Raises `Unavailable` when others have them all for too long."""
        try:
            async with asyncio.timeout(_WAIT):
                await self._room.acquire()
        except TimeoutError:
            raise Unavailable(self._busy, retry_after=10) from None
        try:
            yield
        finally:
            self._room.release()
