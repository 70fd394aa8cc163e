"""Parked jobs: what came for an organisation that had no queue for it.

Such an entry is neither a dead letter (a busy organisation without a queue would fill those, and
past the limit stop the consumer for everyone) nor a reason to wait (it would hold up everyone in
its partition). It is placed in the queue `_parked`, with idempotency, merging and history like any
job, and goes on by the routing rules as soon as its organisation has a queue.

Guarantees: nothing is lost and nobody waits for another; two processes do a job's move once.
Must not: touch a job that someone holds.
"""

from __future__ import annotations

import asyncio

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_queues.job import Job, JobKind
from coop_queues.store import (
    OrderIndex,
    get_job,
    pending_by_organisation,
    pending_page,
    requeue,
)
from coop_routing import metric
from coop_routing.entry_router import EntryRouter
from coop_routing.placement import media_of_job
from coop_routing.route_table import RouteTables
from coop_rules.queue_choice import PARKED_QUEUE, Choice, EntryTraits
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_log = logger("coop_routing.park")


class Unparker:
    """Looks every `period` seconds for parked jobs whose organisation has a queue by now."""

    def __init__(
        self,
        engine: AsyncEngine,
        order: OrderIndex,
        tables: RouteTables,
        router: EntryRouter,
        *,
        period: float,
    ) -> None:
        self._engine = engine
        self._order = order
        self._tables = tables
        self._router = router
        self._period = period
        # What was left of an organisation's parked jobs, under which configuration.
        self._left: dict[str, tuple[int, int]] = {}

    async def run(self) -> None:
        """A service task; ends only when cancelled."""
        while True:
            try:
                await self.once()
            except Retryable as error:
                _log.warning("parked jobs not looked at", error=str(error))
            await asyncio.sleep(self._period)

    async def once(self) -> int:
        """Moves what can be moved; the number of jobs moved. Raises Retryable."""
        async with transaction(self._engine) as connection:
            waiting = await pending_by_organisation(connection, PARKED_QUEUE)
        total = 0
        for org_id, count in waiting:
            stamp = self._tables.stamp(org_id)
            if not self._tables.has_queues(org_id) or self._left.get(org_id) == (stamp, count):
                continue
            moved = await self._unpark(org_id)
            self._left[org_id] = (stamp, count - moved)
            total += moved
        metric.PARKED.set(sum(count for _, count in waiting) - total)
        return total

    async def _unpark(self, org_id: str) -> int:
        moved, cursor = 0, None
        while True:
            async with transaction(self._engine) as connection:
                page = await pending_page(connection, org_id, PARKED_QUEUE, cursor)
            for summary in page.jobs:
                moved += await self._move(org_id, summary.job_id)
            if page.next_cursor is None:
                return moved
            cursor = page.next_cursor

    async def _move(self, org_id: str, job_id: str) -> bool:
        async with transaction(self._engine) as connection:
            job = await get_job(connection, org_id, job_id)
        choice = await self._choice(job)
        if choice.queue_id == PARKED_QUEUE:
            return False
        async with transaction(self._engine) as connection:
            moved = await requeue(
                connection,
                org_id,
                job_id,
                to_queue=choice.queue_id,
                by=_author(choice),
                ranking=self._tables.rankings.of(org_id, choice.queue_id),
            )
        if moved is None:
            return False
        await self._order.apply(moved.changes)
        metric.UNPARKED.inc()
        return True

    async def _choice(self, job: Job) -> Choice:
        summary = job.summary
        traits = EntryTraits(
            summary.source,
            summary.policy_ids,
            for_appeals=summary.kind is JobKind.APPEAL,
            child_safety=summary.csam or summary.kind is JobKind.NCMEC,
        )
        entry = await self._router.open(
            summary.org_id,
            job.item,
            traits,
            at=summary.created_at,
            media_of=media_of_job(job),
        )
        await self._router.settle([entry])
        return entry.choice


def _author(choice: Choice) -> str:
    """Who moved it, and why, for the record of the parked job."""
    cause = {
        "RULE": f"rule {choice.rule.id}" if choice.rule else "rule",
        "SETTING": "the queue for child safety",
    }.get(choice.how, "default queue")
    return f"routing: {cause}, revision {choice.config_revision}"
