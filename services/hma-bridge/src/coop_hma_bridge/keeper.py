"""What is over goes: marks of removed entries that every process has long seen, and the entries of
banks that have had no document for thirty days.

Guarantees: a bank whose document is restored within that time has all of its entries.
Must not: touch what matches.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import Kind
from coop_hma_bridge import store
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.process.error import Retryable
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
        while True:
            try:
                await self.empty(datetime.now(UTC))
                await self.forget(datetime.now(UTC))
            except Retryable as error:
                _log.warning("what is over is kept for now", error=str(error))
            await asyncio.sleep(_EVERY)
