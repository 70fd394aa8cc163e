"""How many jobs are past what was promised: the alarm of clocks that the law sets.

Guarantees: a job is counted from its deadline on, whoever holds it, until it is decided; one that
nobody promised anything for is not.
Must not: say whose they are: queues and organisations are no labels.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_queues import reading
from coop_review_api.kernel import metric
from coop_review_api.kernel.clock import Clock
from coop_runtime.database.engine import transaction
from coop_runtime.process.interval import at_intervals

_EVERY = 60.0  # seconds


_LOOK = text(
    f"""
    SELECT count(*) AS jobs, min(j.deadline) AS first FROM {reading.JOBS} j
     WHERE j.state = 'PENDING' AND j.deadline <= :now
    """  # noqa: S608 - a constant
)


class PastDeadline:
    """Looks every minute. Any number may run: each tells of all."""

    def __init__(self, engine: AsyncEngine, *, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled; outages of the database are waited out."""
        await at_intervals(
            self.look, _EVERY, postponed="jobs past their deadline are not counted now"
        )

    async def look(self) -> None:
        """Once. Raises `Retryable`."""
        now = self._clock()
        async with transaction(self._engine) as connection:
            found = (await connection.execute(_LOOK, {"now": now})).one()
        late = 0.0 if found.first is None else (now - found.first).total_seconds()
        metric.JOBS_PAST_DEADLINE.set(found.jobs)
        metric.PAST_DEADLINE_SECONDS.set(late)
