"""What is over goes: marks of removed entries that every process has long seen, the entries of
banks that have had no document for thirty days, days of media that were seen.

Guarantees: a bank whose document is restored within that time has all of its entries; a day goes
whole, once all of it is too old.
Must not: touch what matches.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import Kind
from coop_hma_bridge import seen_store, store
from coop_hma_bridge.seen_store import SEEN
from coop_runtime.database.engine import transaction
from coop_runtime.database.partition import DAY, Partitions
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.process.interval import at_intervals
from coop_runtime.process.log import logger

_EVERY = 3600.0  # seconds
_PIECE = 5_000

_log = logger(__name__)


class EntryKeeper:
    """One in each process; that they do it twice harms nothing. `table` is ready."""

    def __init__(self, engine: AsyncEngine, table: ConfigTable) -> None:
        self._engine = engine
        self._table = table

    async def forget(self, now: datetime) -> int:
        """How many marks went. Raises Retryable."""
        gone = 0
        while True:
            async with transaction(self._engine) as connection:
                done = await store.forget(connection, now - store.KEPT_REMOVED)
            gone += done
            if not done:
                return gone

    async def empty(self, now: datetime) -> int:
        """How many entries of banks without a document were removed. Raises Retryable."""
        known = [
            (org_id, bank_id)
            for org_id in self._table.org_ids()
            for bank_id in self._table.all(org_id, Kind.HASH_BANK)
        ]
        async with transaction(self._engine) as connection:
            await store.mark_gone(connection, known, now)
        removed = 0
        while True:
            async with transaction(self._engine) as connection:
                before = now - store.KEPT_GONE
                done = await store.empty_gone(connection, before, most=_PIECE)
            removed += done
            if not done:
                break
        if removed:
            _log.info("entries of banks without a document removed", entries=removed)
        return removed

    async def run(self) -> None:
        """Until cancelled."""
        await at_intervals(self._keep, _EVERY, postponed="retention postponed")

    async def _keep(self) -> None:
        await self.empty(datetime.now(UTC))
        await self.forget(datetime.now(UTC))


class SeenKeeper:
    """Media that were seen, for `days`; which items were erased, for longer than topics last."""

    def __init__(self, engine: AsyncEngine, partitions: Partitions, *, days: int) -> None:
        self._engine = engine
        self._partitions = partitions
        self._kept = timedelta(days=days)

    async def keep(self, now: datetime) -> int:
        """How many days went. Raises Retryable."""
        if self._kept:
            await self._partitions.ensure(SEEN, (now, now + DAY))
        gone = 0
        for start in await self._partitions.starts(SEEN):
            if start + SEEN.step <= now - self._kept:
                await self._partitions.drop(SEEN, start)
                _log.info("a day of seen media is over", start=start.isoformat())
                gone += 1
        async with transaction(self._engine) as connection:
            await seen_store.forget_erased(connection, now - seen_store.KEPT_ERASED)
        return gone

    async def run(self) -> None:
        """Until cancelled."""
        await at_intervals(self._keep, _EVERY, postponed="retention postponed")

    async def _keep(self) -> None:
        await self.keep(datetime.now(UTC))
