"""Gathering a job's context: everything at once, over a few connections.

    the job, the configuration ──┬─▶ own records (offers, draft, comments, jobs, reporters)
                                 ├─▶ why rules sent it
                                 ├─▶ the history: item, user, thread, names
                                 └─▶ the dispatcher: strikes          ──▶ what may be seen of it

Guarantees: who may not see the job gets what they get for one that does not exist; what is about
child safety and not theirs to see is left out without a word, and of what was shown one audit row
says so, in a transaction that ends before it is shown; a part that is away is named, and the job
can still be decided.
Must not: wait longer for a part than `ContextLimits` says.
"""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import ItemType, Kind, OrgSettings, Queue
from coop_contracts.dispatch import LIST_USER_STRIKES, UserStrikesQuestion
from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_queues import store
from coop_queues.job import Job, JobState
from coop_review_api.comment import store as comments
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.delivery.dispatch import Dispatch
from coop_review_api.explanation.desk import Explanations
from coop_review_api.history.port import ItemFinder
from coop_review_api.job_context import clearing, surroundings
from coop_review_api.job_context.material import (
    ContextLimits,
    Ground,
    JobContext,
    OwnRecords,
    RecentJobs,
    StrikeCount,
    ThreadContext,
)
from coop_review_api.job_context.part import Gathering
from coop_review_api.job_context.thread import Direction, Spot
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import Conflict, Invalid, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.projection import history as projected
from coop_review_api.review import desk, draft, escalation, offer, reporter, search
from coop_review_api.review.decision import Origin, Rulebook
from coop_review_api.review.desk import Desk
from coop_review_api.review.offer import Offers
from coop_review_api.review.search import JobFilter
from coop_review_api.timeline.desk import Timelines
from coop_review_api.timeline.entry import KINDS
from coop_runtime.database.engine import transaction

_DAYS: Final = timedelta(days=7)
_KINDS: Final = (Kind.SETTINGS, Kind.QUEUE, Kind.ITEM_TYPE, Kind.ACTION)
_SEES_STRIKES: Final = (Permission.VIEW_INVESTIGATION, Permission.MANUALLY_ACTION_CONTENT)


@dataclass(frozen=True, kw_only=True)
class JobContexts:
    """One for each process."""

    engine: AsyncEngine
    desk: Desk
    finder: ItemFinder
    dispatch: Dispatch
    explanations: Explanations
    timelines: Timelines
    clock: Clock
    limits: ContextLimits

    async def of(self, principal: Principal, job_id: str) -> JobContext:
        """The job with what is around it. Raises JobNotFound."""
        parts, limits = Gathering(), self.limits
        async with transaction(self.engine) as connection:
            ground = await self.ground(connection, principal, job_id)
        own, explained, known, strikes, timeline = await asyncio.gather(
            self._own(principal, ground, parts),
            parts.get(
                "EXPLANATION",
                self.explanations.of_job(principal, ground.job),
                within=limits.explanation_within,
            ),
            parts.get(
                "HISTORY",
                surroundings.of(
                    self.finder, ground, _reporters(ground.job, limits), limits.each_way
                ),
                within=limits.history_within,
            ),
            self._strikes(principal, ground, parts),
            parts.get(
                "TIMELINE",
                self.timelines.page(
                    principal, ground.subject, kinds=KINDS, after=None, limit=limits.timeline
                ),
                within=limits.timeline_within,
            ),
        )
        found = JobContext(
            ground=ground,
            own=own,
            history=known or surroundings.of_job(ground, limits.each_way),
            strikes=strikes,
            timeline=timeline,
            explanations=tuple(explained or ()),
            types={},
            missing=tuple(parts.missing),
        )
        async with transaction(self.engine) as connection:
            return await clearing.cleared(connection, principal, found, limits, now=self.clock())

    async def thread(
        self, principal: Principal, job_id: str, direction: Direction, at: Spot | None, limit: int
    ) -> ThreadContext:
        """A further part of the job's thread. Raises JobNotFound."""
        parts = Gathering()
        async with transaction(self.engine) as connection:
            ground = await self.ground(connection, principal, job_id)
        asked = surroundings.of_page(self.finder, ground, direction=direction, at=at, limit=limit)
        found = await parts.get("HISTORY", asked, within=self.limits.history_within)
        if found is None:
            found = surroundings.page_of_job(ground, direction=direction, at=at, limit=limit)
        async with transaction(self.engine) as connection:
            return await clearing.cleared_thread(
                connection,
                principal,
                ThreadContext(ground=ground, history=found, types={}, missing=tuple(parts.missing)),
                now=self.clock(),
            )

    async def ground(
        self, connection: AsyncConnection, principal: Principal, job_id: str
    ) -> Ground:
        """What everything else is asked by. Raises JobNotFound."""
        summary = await store.get_summary(connection, principal.org_id, job_id)
        catalogue = await load_catalogue(connection, principal.org_id, _KINDS)
        queue = catalogue.get(Kind.QUEUE, Queue, summary.queue_id)
        desk.require_readable_in(queue, principal, summary)
        job = await store.load_job(connection, summary)
        author = escalation.author_of(job)
        types = catalogue.all(Kind.ITEM_TYPE, ItemType)
        own_type = types.get(summary.item.type_id)
        user = summary.item if own_type is not None and own_type.kind == "USER" else author
        if user is None:
            user = author = await projected.creator_of(connection, principal.org_id, summary.item)
        settings = catalogue.get(Kind.SETTINGS, OrgSettings, SETTINGS_ID)
        rulebook = Rulebook(
            settings=settings or OrgSettings(id=SETTINGS_ID, name=""),
            catalogue=catalogue,
            queue=queue,
            revision=catalogue.revision,
            author=author,
        )
        return Ground(job=job, rulebook=rulebook, user=user, types=types)

    async def _own(self, principal: Principal, ground: Ground, parts: Gathering) -> OwnRecords:
        job, now, limits = ground.job, self.clock(), self.limits
        summary, reporters = job.summary, _reporters(job, limits)
        sees_decisions = principal.may(Permission.VIEW_MRT_DATA)
        if not sees_decisions:
            parts.lacks("REPORTERS", "NOT_PERMITTED")
        async with transaction(self.engine) as connection:
            origins = await self.desk.origins.of(connection, job)
            records = await reporter.records_of(
                connection, principal.org_id, reporters if sees_decisions else (), now=now
            )
            count, newest = await comments.recent(
                connection, principal, summary, limit=limits.comments
            )
            return OwnRecords(
                origins=origins,
                offers=_offers(principal, ground, origins),
                draft=await draft.of_job(connection, principal, summary.job_id, now=now),
                remaining=await store.pending_up_to(
                    connection,
                    principal.org_id,
                    summary.queue_id,
                    most=limits.remaining,
                    child_safety=principal.may(Permission.VIEW_CHILD_SAFETY_DATA),
                ),
                comment_count=count,
                comments=tuple(newest),
                recent=await self._recent(connection, principal, ground.user, now),
                reporters={**dict.fromkeys(reporters), **records},
            )

    async def _recent(
        self,
        connection: AsyncConnection,
        principal: Principal,
        user: ItemRef | None,
        now: datetime,
    ) -> RecentJobs:
        if user is None:
            return RecentJobs()
        wanted = JobFilter(subject=user, enqueued_from=now - _DAYS, newest_first=True)
        found, counts = await search.about(
            connection, principal, wanted, most=self.limits.jobs, now=now
        )
        return RecentJobs(jobs=tuple(found), counts=counts)

    async def _strikes(
        self, principal: Principal, ground: Ground, parts: Gathering
    ) -> StrikeCount | None:
        user = ground.user
        if user is None:
            return None
        if not any(principal.may(one) for one in _SEES_STRIKES):
            parts.lacks("STRIKES", "NOT_PERMITTED")
            return None
        asked = UserStrikesQuestion(type_id=user.type_id, user_id=user.id, limit=1)
        try:
            found = await parts.get(
                "STRIKES",
                self.dispatch.ask(principal.org_id, LIST_USER_STRIKES, asked),
                within=self.limits.strikes_within,
            )
        except (NotFound, Conflict, Invalid):
            parts.lacks("STRIKES", "UNAVAILABLE")
            return None
        if found is None:
            return None
        return StrikeCount(total=found.total, next_expiry_at=found.next_expiry_at)


def _offers(principal: Principal, ground: Ground, origins: tuple[Origin, ...]) -> Offers | None:
    """Of a closed job nothing is offered."""
    if ground.job.summary.state is not JobState.PENDING:
        return None
    rulebook = dataclasses.replace(ground.rulebook, origins=origins)
    return offer.offers_of(principal, ground.job, rulebook, ground.user)


def _reporters(job: Job, limits: ContextLimits) -> list[ItemRef]:
    """Who reported, the newest first."""
    found = dict.fromkeys(report.reporter for report in job.reports if report.reporter)
    return list(found)[: limits.reporters]
