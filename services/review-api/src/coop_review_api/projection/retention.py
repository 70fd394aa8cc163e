"""Keeping the projection to its size: what was never asked for, and what is too old, goes.

    submission ─▶ recent_submissions (by hour) ──after the window──┬─ its evaluation is recorded
                                                                   │    ─▶ submissions (by day)
                                                                   └─ otherwise it goes
    everything kept ──after the retention──▶ its partition is dropped

Guarantees: a submission's data stays for `window` after it was written here, whatever its own age,
so that a projector that was away for days loses none of it; several processes may do this at once.
Must not: delete row by row.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.kernel.clock import Clock
from coop_review_api.projection.evaluated import forget_evaluated, prepare_evaluated
from coop_review_api.projection.partition import DAY, HOUR, KEPT, RECENT, Partitions
from coop_review_api.projection.table import (
    evaluation_rules,
    evaluations,
    recent_submissions,
    requested_actions,
    submission_windows,
    submissions,
)
from coop_review_api.tally.horizon import raising
from coop_runtime.database.engine import transaction
from coop_runtime.process.interval import at_intervals
from coop_runtime.process.log import logger

_SETTLE_TIMEOUT = 600.0  # seconds
_EARLIER = HOUR  # by how much an evaluation may seem to precede its submission

# Of what is counted row by row, until when it was has to be known once the rows are gone.
_COUNTED = frozenset({evaluation_rules.name, requested_actions.name})

_log = logger("coop.review_api.retention")


class RetentionKeeper:
    """`window` and `retention` as in the settings; `every` is in seconds."""

    def __init__(
        self,
        engine: AsyncEngine,
        partitions: Partitions,
        *,
        clock: Clock,
        window: timedelta,
        retention: timedelta,
        every: float,
    ) -> None:
        self._engine = engine
        self._partitions = partitions
        self._clock = clock
        self._window = window
        self._retention = retention
        self._every = every

    async def run(self) -> None:
        """Keep until cancelled."""
        await at_intervals(self.keep, self._every, postponed="retention postponed")

    async def keep(self) -> None:
        """One round. Raises `Retryable`."""
        now = self._clock()
        await self._partitions.ensure(RECENT, (now, now + HOUR))
        for table in KEPT.values():
            await self._partitions.ensure(table, (now, now + DAY))
        await prepare_evaluated(self._partitions, now=now)
        for start in await self._settled(now):
            await self._settle(start)
        oldest = now - self._retention
        for name, table in KEPT.items():
            for start in await self._partitions.starts(table):
                ends = start + table.step
                if ends <= oldest:
                    first = raising(name, ends) if name in _COUNTED else None
                    await self._partitions.drop(table, start, first=first)
        await forget_evaluated(self._engine, self._partitions, now=now)

    async def _settled(self, now: datetime) -> list[datetime]:
        """The partitions of recent submissions whose window is over."""
        over = now - self._window
        starts = await self._partitions.starts(RECENT)
        async with transaction(self._engine) as connection:
            rows = await connection.execute(
                select(submission_windows.c.start, submission_windows.c.written_at)
            )
            written = {row.start: row.written_at for row in rows}
        return [
            start
            for start in starts
            if start + RECENT.step <= over and written.get(start, start) <= over
        ]

    async def _settle(self, start: datetime) -> None:
        """Keep what was recorded of one partition, and drop it."""
        end = start + RECENT.step
        await self._partitions.ensure(KEPT["submissions"], (start,))
        async with transaction(self._engine, within=_SETTLE_TIMEOUT) as connection:
            await connection.execute(
                text(f"SET LOCAL statement_timeout = '{int(_SETTLE_TIMEOUT)}s'")
            )
            kept = await connection.execute(
                text(
                    f"INSERT INTO {submissions.fullname}"  # noqa: S608 - names of our own
                    f" SELECT recent.* FROM {recent_submissions.fullname} recent"
                    " WHERE recent.time >= :start AND recent.time < :end AND EXISTS ("
                    f"SELECT 1 FROM {evaluations.fullname} known"
                    " WHERE known.org_id = recent.org_id"
                    " AND known.submission_id = recent.submission_id"
                    " AND known.time >= :earliest) ON CONFLICT DO NOTHING"
                ),
                {"start": start, "end": end, "earliest": start - _EARLIER},
            )
        await self._partitions.drop(RECENT, start)
        async with transaction(self._engine) as connection:
            await connection.execute(
                delete(submission_windows).where(submission_windows.c.start == start)
            )
        _log.info("submissions settled", start=start.isoformat(), kept=kept.rowcount)
