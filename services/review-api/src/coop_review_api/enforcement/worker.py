"""Carries bulk jobs out, a batch at a time, at a bounded rate.

Guarantees: killed anywhere, the next process goes on where the last committed batch ended.
Must not: hold a transaction while it waits.
"""

from __future__ import annotations

import asyncio
import time

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.enforcement import bulk_store
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
    """`rate` is in items a second, of all jobs together and of this process."""

    def __init__(self, engine: AsyncEngine, *, clock: Clock, rate: float) -> None:
        self._engine = engine
        self._clock = clock
        self._rate = rate
        self._turns = OrgTurns()

    async def run(self) -> None:
        """Until cancelled; outages of the database are waited out."""
        while True:
            began = time.monotonic()
            try:
                async with transaction(self._engine) as connection:
                    done = await bulk_store.advance(
                        connection,
                        batch=min(_BATCH, max(1, int(self._rate))),
                        clock=self._clock,
                        turns=self._turns,
                    )
            except Retryable as error:
                _log.warning("bulk actions wait for the database", error=str(error))
                done = 0
            metric.BULK_ITEMS.inc(done)
            rest = done / self._rate - (time.monotonic() - began) if done else _IDLE
            await asyncio.sleep(max(0.0, rest))
