"""Carries bulk jobs out, a batch at a time, at a bounded rate.

Guarantees: killed anywhere, the next process goes on where the last committed batch ended; the rate
is that of all processes together.
Must not: hold a transaction while it waits.
"""

from __future__ import annotations

import asyncio
import time

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.enforcement import bulk_store, pace
from coop_review_api.kernel import metric
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.turn import OrgTurns
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_IDLE = 0.5  # seconds between two looks for a running job
_BATCH = 250

_log = logger("coop.review_api.bulk")


class BulkWorker:
    """`rate` is in items a second, of all jobs and of all processes that work at them."""

    def __init__(self, engine: AsyncEngine, *, clock: Clock, rate: float) -> None:
        self._engine = engine
        self._clock = clock
        self._rate = rate
        self._batch = min(_BATCH, max(1, int(rate)))
        self._turns = OrgTurns()

    async def run(self) -> None:
        """Until cancelled; outages of the database are waited out."""
        while True:
            began = time.monotonic()
            try:
                rest = await self._step()
            except Retryable as error:
                _log.warning("bulk actions wait for the database", error=str(error))
                rest = _IDLE
            await asyncio.sleep(max(0.0, rest - (time.monotonic() - began)))

    async def _step(self) -> float:
        """Carry out a batch, where it may begin; seconds from its beginning to the next one's."""
        async with transaction(self._engine) as connection:
            rest = await pace.wait(connection, longest=self._batch / self._rate)
            if rest:
                return rest
            done = await bulk_store.advance(
                connection, batch=self._batch, clock=self._clock, turns=self._turns
            )
            if done:
                await pace.spend(connection, done / self._rate)
        metric.BULK_ITEMS.inc(done)
        return done / self._rate if done else _IDLE
