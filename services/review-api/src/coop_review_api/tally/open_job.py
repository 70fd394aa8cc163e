"""How many jobs are open, looked at every quarter of an hour.

Guarantees: of several processes one looks at each time; where none ran, nothing is said of that
time rather than something invented.
Must not: hold more than numbers by queue.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_queues import reading
from coop_review_api.kernel.clock import Clock
from coop_runtime.database.engine import transaction
from coop_runtime.process.interval import at_intervals

QUARTER = timedelta(minutes=15)
_EVERY = 5.0  # seconds between two looks at the clock
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


_FIRST = text(
    """
    INSERT INTO review.open_job_times (time) VALUES (:time) ON CONFLICT DO NOTHING RETURNING time
    """
)
_LOOK = text(
    f"""
    INSERT INTO review.open_jobs (org_id, time, queue_id, grave, units)
    SELECT j.org_id, :time, j.queue_id, {reading.GRAVE}, count(*)
      FROM {reading.JOBS} j WHERE j.state = 'PENDING'
     GROUP BY 1, 3, 4
    """  # noqa: S608 - constants
)


class OpenJobCounter:
    """Looks once in every quarter of an hour. Any number may run."""

    def __init__(self, engine: AsyncEngine, *, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._looked: datetime | None = None

    async def run(self) -> None:
        """Until cancelled; outages of the database are waited out."""
        await at_intervals(self.look, _EVERY, postponed="open jobs are not counted now")

    async def look(self) -> None:
        """Look, where nobody has in this quarter of an hour. Raises `Retryable`."""
        now = self._clock()
        quarter = now - (now - _EPOCH) % QUARTER
        if quarter == self._looked:
            return
        async with transaction(self._engine) as connection:
            first = await connection.scalar(_FIRST, {"time": quarter})
            if first is not None:
                await connection.execute(_LOOK, {"time": quarter})
        self._looked = quarter
