"""Derivatives kept to their size and their time.

    unused for `days` ──▶ gone        more bytes than `most` ──▶ the longest unused go

Guarantees: bytes go before their rows, so that nothing lies in the store that no row knows; an
outage of the store or the database postpones a round and ends nothing; several processes may do
this at once.
Must not: touch what is known of a medium; `ending` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_media.store import StoreUnavailable
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.metric import MEDIA_KEPT_BYTES
from coop_review_api.media import store
from coop_review_api.media.gallery import Gallery
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.interval import at_intervals

_BATCH: Final = 200


@dataclass(frozen=True, kw_only=True)
class KeepingLimits:
    """`most` bytes of all derivatives; `days` without use; seconds between rounds."""

    most: int = 1024**3
    days: float = 30
    every: float = 60.0


class MediaKeeper:
    """One process's."""

    def __init__(
        self, engine: AsyncEngine, gallery: Gallery, limits: KeepingLimits, *, clock: Clock
    ) -> None:
        self._engine = engine
        self._gallery = gallery
        self._limits = limits
        self._clock = clock

    async def run(self) -> None:
        """Keep until cancelled."""
        await at_intervals(self.keep, self._limits.every, postponed="retention postponed")

    async def keep(self) -> None:
        """One round. Raises `Retryable`."""
        try:
            await self._end_unused()
            await self._shrink()
        except StoreUnavailable as error:
            raise Retryable(f"the object store: {error}") from None

    async def _end_unused(self) -> None:
        since = self._clock() - timedelta(days=self._limits.days)
        while True:
            async with transaction(self._engine) as connection:
                gone = await store.unused(connection, since, _BATCH)
            await self._gallery.discard(gone)
            if len(gone) < _BATCH:
                return

    async def _shrink(self) -> None:
        while True:
            async with transaction(self._engine) as connection:
                size = await store.size(connection)
                gone = await store.oldest(connection, _BATCH) if size > self._limits.most else []
            MEDIA_KEPT_BYTES.set(size)
            if not gone:
                return
            over, leaving = size - self._limits.most, []
            for one in gone:
                if over <= 0:
                    break
                leaving.append(one)
                over -= one.bytes
            await self._gallery.discard(leaving)
