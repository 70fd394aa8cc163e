"""Empties jobs that closed longer ago than their organisation keeps what they say.

    closed for `closedJobDays` ──┬─ somebody still judges it (a golden item, a second review)
                                 │      ──▶ it waits
                                 └─ otherwise ──▶ emptied (`coop_queues.spent`)

Guarantees: what is about child safety stays.
Must not: touch decisions, or what is counted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues import store
from coop_queues.job import SpentJob
from coop_review_api.configuration.fading import Faded
from coop_review_api.kernel.clock import Clock

Needed = Callable[[AsyncConnection, str, Sequence[str]], Awaitable[set[str]]]
"""Which of these jobs of an organisation somebody still has to see."""


@dataclass(frozen=True, kw_only=True)
class SpentJobs:
    """See `configuration.fading.Fades`."""

    needed: Needed
    clock: Clock
    name: str = "jobs"

    async def __call__(
        self,
        connection: AsyncConnection,
        org_id: str,
        *,
        before: datetime,
        after: tuple[Any, ...] | None,
        batch: int,
    ) -> Faded:
        """See `configuration.fading.Fades`."""
        last = None if after is None else SpentJob(job_id=after[0], closed_at=after[1], parts=())
        found = await store.spent_jobs(connection, org_id, before=before, after=last, batch=batch)
        parts = [part for one in found for part in one.parts]
        needed = await self.needed(connection, org_id, parts) if parts else set()
        free = [one.job_id for one in found if needed.isdisjoint(one.parts)]
        emptied = 0
        if free:
            emptied = await store.empty_spent(connection, org_id, free, now=self.clock())
        end = (found[-1].job_id, found[-1].closed_at) if len(found) == batch else None
        return Faded(emptied, end)
