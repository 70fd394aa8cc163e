"""Jobs about what is not there any more: closed when they would be handed out.

    claimed ──▶ its newest item says so ──▶ closed, the next one is claimed
       │ └────▶ the platform says so    ──▶ the same
       └──neither, or the platform fails──▶ handed out

Guarantees: only in queues that want it, never child-abuse material, NCMEC jobs or appeals; a
platform that is slow or wrong delays a claim by what its `ClosingBudget` has at most, and hides
nothing; a claim closes so many jobs at most, then it hands one out unasked.
Must not: ask while a transaction is open.
"""

from __future__ import annotations

import asyncio

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import ItemType, Kind, Queue
from coop_queues import store as queues
from coop_queues.error import QueueError
from coop_queues.job import Claim, Job, JobKind
from coop_queues.store import OrderIndex
from coop_review_api.automation.batch import CLOSED
from coop_review_api.configuration.catalogue import load_documents
from coop_review_api.kernel import metric
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import Conflict, UpstreamFailed
from coop_review_api.partial_item.partial_item import PartialItems, says_deleted
from coop_review_api.review.closing_budget import ClosingBudget
from coop_review_api.review.deciding import record_automatic
from coop_review_api.review.decision import SYSTEM, Component
from coop_runtime.database.engine import transaction
from coop_runtime.process.log import logger

_log = logger("coop.review_api.deletion")


class _MayNot(Exception):
    """What merged into the job meanwhile forbids it."""


class Deletions:
    """One for each process that hands jobs out."""

    def __init__(
        self, engine: AsyncEngine, order: OrderIndex, partial_items: PartialItems, *, clock: Clock
    ) -> None:
        self._engine = engine
        self._order = order
        self._partial_items = partial_items
        self._clock = clock

    async def close(self, claim: Claim, queue: Queue, budget: ClosingBudget) -> bool:
        """Whether the claimed job is not to be handed out: its item was deleted and it is closed
        now, or somebody else closed it. Raises Retryable."""
        summary = claim.job.summary
        eligible = queue.auto_close_jobs and summary.kind is JobKind.DEFAULT and not summary.csam
        if not eligible or budget.jobs <= 0 or not await self._is_deleted(claim.job, budget):
            return False
        budget.jobs -= 1
        try:
            await self._close(claim)
        except _MayNot:
            return False
        except QueueError as error:
            _log.info("a deleted item's job was gone already", error=str(error))
        return True

    async def _close(self, claim: Claim) -> None:
        summary = claim.job.summary
        closing = Component(type="AUTOMATIC_CLOSE", close_reason="ITEM_DELETED_BEFORE_REVIEW")
        async with transaction(self._engine) as connection:
            closed = await queues.close(
                connection,
                summary.org_id,
                summary.job_id,
                claim.lease_token,
                by=SYSTEM,
                reason=CLOSED,
            )
            if closed.summary.csam:
                raise _MayNot
            job = await queues.load_job(connection, closed.summary)
            await record_automatic(connection, job, [closing], now=self._clock())
        metric.AUTOMATED.labels("ITEM_DELETED").inc()
        await self._order.apply(closed.changes)

    async def _is_deleted(self, job: Job, budget: ClosingBudget) -> bool:
        org_id = job.summary.org_id
        wanted = [(Kind.ITEM_TYPE, job.item.type_id)]
        async with transaction(self._engine) as connection:
            catalogue = await load_documents(connection, org_id, wanted)
        item_type = catalogue.get(Kind.ITEM_TYPE, ItemType, job.item.type_id)
        if says_deleted(msgspec.json.decode(job.item.data, type=dict), item_type):
            return True
        if item_type is None or item_type.field_roles.is_deleted is None or budget.seconds <= 0:
            return False
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(budget.seconds):
                found = await self._partial_items.ask(org_id, [job.summary.item])
        except Conflict:
            budget.seconds = 0  # the organisation has no endpoint
            return False
        except (UpstreamFailed, TimeoutError) as error:
            _log.warning("the platform does not say whether an item is deleted", error=str(error))
            return False
        finally:
            budget.seconds -= asyncio.get_running_loop().time() - began
        item = found.get(job.summary.item)
        return item is not None and item.is_deleted(item_type)
