"""Gives back what is kept for people who may not see it any more.

    disabled, removed, another role, a queue that is closed to them ──▶ the keeping ends (LEFT)

Guarantees: whatever took somebody's right away, and whichever process stopped meanwhile, what is
kept for them is everybody's again within a round, at its place; work is done in pages, each of a
few reads, and what is found is done one by one.
Must not: end anybody's lease: leases end by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import Kind, Queue
from coop_queues import store
from coop_queues.error import QueueError
from coop_queues.job import Keeping
from coop_queues.reading import SUMMARY_COLUMNS, jobs, summary_of
from coop_queues.store import OrderIndex
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.review.colleague import colleagues
from coop_runtime.database.engine import transaction
from coop_runtime.process.interval import at_intervals

_EVERY = 10.0  # seconds


class KeepingKeeper:
    """One process's; several may run."""

    def __init__(self, engine: AsyncEngine, order: OrderIndex, *, every: float = _EVERY) -> None:
        self._engine = engine
        self._order = order
        self._every = every

    async def run(self) -> None:
        """Until cancelled."""
        await at_intervals(
            self.keep, self._every, postponed="what is kept for people was not looked at"
        )

    async def keep(self) -> int:
        """One round; how many keepings ended. Raises `Retryable`."""
        ended, last = 0, None
        while True:
            async with transaction(self._engine) as connection:
                page = await store.open_keepings(connection, last)
                stale = [
                    one
                    for org_id, group in groupby(page, key=lambda keeping: keeping.org_id)
                    for one in await _stale(connection, org_id, list(group))
                ]
            for one in stale:
                ended += await self._end(one)
            if not page:
                return ended
            last = page[-1]

    async def _end(self, keeping: Keeping) -> bool:
        try:
            async with transaction(self._engine) as connection:
                freed = await store.unkeep(
                    connection,
                    keeping.org_id,
                    keeping.job_id,
                    by=None,
                    outcome="LEFT",
                    person_id=keeping.person_id,
                )
        except QueueError:
            return False  # it ended by itself
        await self._order.apply(freed.changes)
        return True


async def _stale(
    connection: AsyncConnection, org_id: str, found: Sequence[Keeping]
) -> list[Keeping]:
    """Those whose person may not see the job."""
    catalogue = await load_catalogue(connection, org_id, [Kind.QUEUE])
    queues = catalogue.all(Kind.QUEUE, Queue)
    people = await colleagues(connection, org_id, {str(one.person_id) for one in found})
    query = select(*SUMMARY_COLUMNS).where(
        jobs.c.org_id == org_id, jobs.c.job_id.in_([one.job_id for one in found])
    )
    rows = (await connection.execute(query)).mappings()
    summaries = {str(row["job_id"]): summary_of(dict(row)) for row in rows}
    stale = []
    for one in found:
        person, job = people.get(str(one.person_id)), summaries.get(one.job_id)
        if job is not None and (
            person is None or not person.may_review(job, queues.get(job.queue_id))
        ):
            stale.append(one)
    return stale
