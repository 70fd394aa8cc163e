"""Writes exports, a batch at a time, and deletes those that are no longer kept.

Guarantees: killed anywhere, the next process goes on where the last committed batch ended; a
question that the database cannot answer in time is given up after some attempts and keeps no other
export waiting.
Must not: hold a transaction while it waits.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.export import store
from coop_review_api.export.store import ExportLimits
from coop_review_api.kernel import metric
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.turn import OrgTurns
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_IDLE = 1.0  # seconds between two looks for an export
_PAUSE = 0.02  # between two batches: others use this database, too
_AFTER_OUTAGE = 2.0
_PRUNE_EVERY = timedelta(minutes=1)
_TIMEOUT = 30.0  # seconds of one batch

_log = logger("coop.review_api.export")


class Exporter:
    """One process's; several may run."""

    def __init__(self, engine: AsyncEngine, *, clock: Clock, limits: ExportLimits) -> None:
        self._engine = engine
        self._clock = clock
        self._limits = limits
        self._turns = OrgTurns()
        self._pruned_at = clock() - _PRUNE_EVERY

    async def run(self) -> None:
        """Until cancelled; outages of the database are waited out."""
        while True:
            try:
                worked = await self.step()
                await self._prune()
            except Retryable as error:
                _log.warning("exports wait for the database", error=str(error))
                await asyncio.sleep(_AFTER_OUTAGE)
                continue
            await asyncio.sleep(_PAUSE if worked else _IDLE)

    async def step(self) -> bool:
        """One batch of one export; False when there is none. Raises `Retryable`."""
        async with transaction(self._engine) as connection:
            export_id = await store.take(
                connection, limits=self._limits, now=self._clock(), turns=self._turns
            )
        if export_id is None:
            return False
        async with transaction(self._engine, within=_TIMEOUT) as connection:
            await store.advance(connection, export_id, limits=self._limits, clock=self._clock)
        metric.EXPORT_BATCHES.inc()
        return True

    async def _prune(self) -> None:
        now = self._clock()
        if now < self._pruned_at + _PRUNE_EVERY:
            return
        async with transaction(self._engine) as connection:
            deleted = await store.prune(connection, now=now)
        if not deleted:
            self._pruned_at = now
