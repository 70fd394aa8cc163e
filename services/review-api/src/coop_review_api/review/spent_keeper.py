"""Empties jobs that closed longer ago than their organisation keeps what they say.

    closed for `closed_job_days` ──┬─ somebody still judges it (a golden item, a second review)
                                   │      ──▶ it waits
                                   └─ otherwise ──▶ emptied (`coop_queues.spent`)

Guarantees: an organisation that names no days keeps everything; what is about child safety stays;
a batch is one short transaction, several processes may do this at once, and be killed anywhere.
Must not: touch decisions, or what is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import Integer, cast, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import Kind
from coop_queues import store
from coop_queues.job import SpentJob
from coop_review_api.configuration.relation import CURRENT
from coop_review_api.kernel import metric
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.retention import keep_at_intervals
from coop_runtime.database.engine import transaction

_EVERY: Final = 600.0  # seconds
_PAUSE: Final = 0.02  # between two batches: others use this database, too
_BATCH: Final = 200

Needed = Callable[[AsyncConnection, str, Sequence[str]], Awaitable[set[str]]]
"""Which of these jobs of an organisation somebody still has to see."""


class SpentJobKeeper:
    """One process's; several may run."""

    def __init__(
        self, engine: AsyncEngine, needed: Needed, *, clock: Clock, batch: int = _BATCH
    ) -> None:
        self._engine = engine
        self._needed = needed
        self._clock = clock
        self._batch = batch

    async def run(self) -> None:
        """Keep until cancelled."""

        async def once() -> None:
            await self.keep()

        await keep_at_intervals(once, _EVERY)

    async def keep(self) -> int:
        """One round; how many jobs were emptied. Raises `Retryable`."""
        days = CURRENT.of.c.document["closedJobDays"].astext
        query = select(CURRENT.of.c.org_id, cast(days, Integer).label("days")).where(
            CURRENT.of.c.kind == Kind.SETTINGS, days.is_not(None)
        )
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(query)).all()
        return sum([await self._of(row.org_id, timedelta(days=row.days)) for row in rows])

    async def _of(self, org_id: str, kept: timedelta) -> int:
        now, emptied = self._clock(), 0
        last: SpentJob | None = None
        while True:
            async with transaction(self._engine) as connection:
                found = await store.spent_jobs(
                    connection, org_id, before=now - kept, after=last, batch=self._batch
                )
                parts = [part for one in found for part in one.parts]
                needed = await self._needed(connection, org_id, parts) if parts else set()
                free = [one.job_id for one in found if needed.isdisjoint(one.parts)]
                if free:
                    count = await store.empty_spent(connection, org_id, free, now=now)
                    emptied += count
            if len(found) < self._batch:
                metric.EMPTIED_JOBS.inc(emptied)
                return emptied
            last = found[-1]
            await asyncio.sleep(_PAUSE)
