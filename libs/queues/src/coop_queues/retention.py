"""Keeping the queue store to its size: claims and keepings that are long over, skips that hide
nothing, users who were erased so long ago that no topic has anything of them any more.

    claims   one a claim, for times and statistics: ended before the retention ──▶ deleted
    keepings one each time a job was kept: as claims
    skips    until they end: ended ──▶ deleted
    erased_users    for `TOMB` ──▶ deleted

Guarantees: who holds a job, and which claim that is, is never touched; work is done in batches, may
stop anywhere and be done by several processes at once.
Must not: delete jobs or entries: decisions, appeals and the idempotency of placing rest on them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.stored import days_of_topics
from coop_queues import metric
from coop_queues.sync import PAUSE
from coop_runtime.database.engine import transaction
from coop_runtime.process.interval import at_intervals

BATCH: Final = 1000  # rows
TOMB: Final = timedelta(days=days_of_topics() + 5)
"""For which an erased user is remembered: longer than any topic has their events."""


# From organisation to organisation along the index.
_ORGS = text(
    """
    WITH RECURSIVE o AS (
        (SELECT org_id FROM queues.claims ORDER BY org_id LIMIT 1)
        UNION ALL
        SELECT (SELECT c.org_id FROM queues.claims c
                 WHERE c.org_id > o.org_id ORDER BY c.org_id LIMIT 1)
          FROM o WHERE o.org_id IS NOT NULL)
    SELECT org_id FROM o WHERE org_id IS NOT NULL
    """
)

# A claim ends after it began, so the index on its beginning finds all that ended long ago.
_OLD_CLAIMS = text(
    """
    DELETE FROM queues.claims c USING (
        SELECT job_id, number FROM queues.claims
         WHERE org_id = :org AND claimed_at < :before AND ended_at < :before
         ORDER BY claimed_at LIMIT :batch FOR UPDATE SKIP LOCKED) AS old
     WHERE c.job_id = old.job_id AND c.number = old.number
    """
)

_OLD_KEEPINGS = text(
    """
    DELETE FROM queues.keepings k USING (
        SELECT job_id, number FROM queues.keepings
         WHERE ended_at < :before ORDER BY ended_at LIMIT :batch FOR UPDATE SKIP LOCKED) AS old
     WHERE k.job_id = old.job_id AND k.number = old.number
    """
)

_OVER_SKIPS = text(
    """
    DELETE FROM queues.skips s USING (
        SELECT job_id, reviewer_id FROM queues.skips
         WHERE until < clock_timestamp() LIMIT :batch FOR UPDATE SKIP LOCKED) AS old
     WHERE s.job_id = old.job_id AND s.reviewer_id = old.reviewer_id
    """
)


_OLD_TOMBS = text(
    """
    DELETE FROM queues.erased_users e USING (
        SELECT org_id, user_key FROM queues.erased_users
         WHERE until < :before LIMIT :batch FOR UPDATE SKIP LOCKED) AS old
     WHERE e.org_id = old.org_id AND e.user_key = old.user_key
    """
)


class ClaimRetention:
    """Deletes every `every` seconds what ended longer than `retention` ago, `batch` rows at a
    time."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        retention: timedelta,
        every: float = 600.0,
        batch: int = BATCH,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._retention = retention
        self._every = every
        self._batch = batch
        self._clock = clock

    async def run(self) -> None:
        """A service task; ends only when cancelled."""
        await at_intervals(self.keep, self._every, postponed="old claims not deleted")

    async def keep(self) -> None:
        """One round. Raises Retryable."""
        before = self._clock() - self._retention
        async with transaction(self._engine) as connection:
            org_ids = list(await connection.scalars(_ORGS))
        for org_id in org_ids:
            metric.FORGOTTEN.inc(await self._delete(_OLD_CLAIMS, org=org_id, before=before))
        await self._delete(_OLD_KEEPINGS, before=before)
        await self._delete(_OVER_SKIPS)
        await self._delete(_OLD_TOMBS, before=self._clock() - TOMB)

    async def _delete(self, statement: TextClause, **parameters: object) -> int:
        """Batch by batch; how many rows."""
        count = 0
        while True:
            async with transaction(self._engine) as connection:
                done = await connection.execute(statement, {**parameters, "batch": self._batch})
            count += done.rowcount
            if done.rowcount < self._batch:
                return count
            await asyncio.sleep(PAUSE)
