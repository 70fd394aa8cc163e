"""A reviewer's steps up to the decision: what waits, claiming, keeping, giving back, looking.

Guarantees: a job of a queue that is closed to the reviewer, or of child-abuse material without the
permission for it, does not exist for them; nobody is given an appeal against their own decision;
each look at child-abuse material leaves an audit row.
Must not: decide; `deciding` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import Kind, OrgSettings, Queue
from coop_contracts.permission import Permission
from coop_queues import store
from coop_queues.error import JobNotFound, LeaseLost
from coop_queues.job import Claim, Extended, Freed, Holding, Job, JobKind, JobSummary, QueueCount
from coop_queues.store import Claims, OrderIndex
from coop_review_api.configuration.catalogue import load_catalogue, load_documents
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.history.reader import ItemReader
from coop_review_api.kernel import audit
from coop_review_api.kernel.access import may_know, may_read, may_see, may_work, refuse_removed
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import Forbidden, NotFound, QueuePaused, Unavailable
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_review_api.review.closing_budget import ClosesDeleted, ClosingLimits
from coop_review_api.review.decision import Origin
from coop_review_api.review.follower import Follower
from coop_review_api.review.origin import Origins, deciders_of
from coop_runtime.database.engine import transaction

_MOST_WITHHELD = 200  # jobs of one claim: each is out of this person's way from then on
_HIDE_WITHHELD = 24 * 3600.0  # seconds


class SeenMedia(Protocol):
    """Which media of a job a person saw whole."""

    async def of(
        self, connection: AsyncConnection, principal: Principal, job_id: str
    ) -> frozenset[tuple[str, str]]:
        """By key of the item and digest of the address."""
        ...


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What a reviewer's steps need. One for each process. Times are seconds; `ahead` is
    how long a job that was claimed ahead of time waits to be opened. A reviewer holds up to
    `at_most` jobs. Without `deletions` nothing is closed because its item was deleted; `closing` is
    how much of that a claim may do. `origins` says what appeals are against;
    `followers` are told of decisions. For reports to NCMEC: `finder` finds what is known of a user,
    `seen` knows what was looked at, the
    operator `files_real` ones, or tests alone, and actions wait `evidence_wait` at most for the
    evidence to be held; 0: they do not."""

    engine: AsyncEngine
    order: OrderIndex
    claims: Claims
    clock: Clock
    lease: float
    skip: float
    origins: Origins
    seen: SeenMedia
    finder: ItemReader
    ahead: float = 120.0
    at_most: int = 5
    deletions: ClosesDeleted | None = None
    closing: ClosingLimits = field(default_factory=ClosingLimits)
    followers: tuple[Follower, ...] = ()
    files_real: bool = False
    evidence_wait: float = 900.0


@dataclass(frozen=True, kw_only=True)
class HandedOut:
    """A claimed job, and what its appeals are against."""

    claim: Claim
    origins: tuple[Origin, ...]


async def visible_queues(connection: AsyncConnection, principal: Principal) -> dict[str, Queue]:
    """The queues open to this person, by id."""
    catalogue = await load_catalogue(connection, principal.org_id, [Kind.QUEUE])
    queues = catalogue.all(Kind.QUEUE, Queue)
    return {queue_id: queue for queue_id, queue in queues.items() if may_work(principal, queue)}


async def known_queues(connection: AsyncConnection, principal: Principal) -> list[str]:
    """The queues that this person knows of, by id."""
    catalogue = await load_catalogue(connection, principal.org_id, [Kind.QUEUE])
    queues = catalogue.all(Kind.QUEUE, Queue)
    return [queue_id for queue_id, queue in queues.items() if may_know(principal, queue)]


async def open_queue(connection: AsyncConnection, principal: Principal, queue_id: str) -> Queue:
    """The queue, when it is open to this person. Raises `NotFound`."""
    return (await _open_queues(connection, principal, [queue_id]))[queue_id]


async def _open_queues(
    connection: AsyncConnection, principal: Principal, queue_ids: Sequence[str]
) -> dict[str, Queue]:
    """These queues, by id. Raises `NotFound` for one that is not open to this person."""
    wanted = [(Kind.QUEUE, queue_id) for queue_id in queue_ids]
    catalogue = await load_documents(connection, principal.org_id, wanted)
    found = catalogue.all(Kind.QUEUE, Queue)
    for queue_id in queue_ids:
        if queue_id not in found or not may_work(principal, found[queue_id]):
            raise NotFound(f"no queue {queue_id}")
    return found


async def counts(
    engine: AsyncEngine, principal: Principal, *, queue_id: str | None = None
) -> dict[str, QueueCount]:
    """What waits, by queue that the person knows of; with `queue_id` in that one only. What is
    about child safety is counted for those who may see it. Raises `NotFound`."""
    async with transaction(engine) as connection:
        if queue_id is None:
            queue_ids = await known_queues(connection, principal)
        else:
            queue_ids = [queue_id]
            if queue_id not in await known_queues(connection, principal):
                raise NotFound(f"no queue {queue_id:.60}")
        found = await store.pending_counts(
            connection,
            principal.org_id,
            queue_id=queue_id,
            child_safety=principal.may(Permission.VIEW_CHILD_SAFETY_DATA),
        )
    nothing = QueueCount(pending=0, leased=0)
    return {queue_id: found.get(queue_id, nothing) for queue_id in queue_ids}


async def claim(
    desk: Desk,
    principal: Principal,
    queue_ids: Sequence[str] | None = None,
    *,
    ahead: bool = False,
) -> HandedOut | None:
    """Lease the most urgent job of these queues, or of all that are open to this person; None when
    nothing waits. What was assigned to this person comes first; between queues, the job that is
    due first; paused ones are left out. `ahead`: the person begins with `extend`, within
    `Desk.ahead`; else it is as if they had never claimed it.

    Raises `NotFound`, `QueuePaused` (all of them are), TooManyClaims, OneAhead, `Unavailable`.
    """
    async with transaction(desk.engine) as connection:
        if queue_ids is None:
            queues = await visible_queues(connection, principal)
        else:
            queues = await _open_queues(connection, principal, queue_ids)
        handing_out = [queue_id for queue_id, queue in queues.items() if not queue.is_paused]
        first = await store.assigned(
            connection,
            principal.org_id,
            handing_out,
            reviewer_id=principal.user_id,
            child_safety=principal.may(Permission.VIEW_CHILD_SAFETY_DATA),
        )
    if queues and not handing_out:
        raise QueuePaused("the queue is paused: jobs come in and none is handed out")
    budget = desk.closing.budget()
    for _ in range(_MOST_WITHHELD + budget.jobs):
        claimed = await desk.claims.claim(
            principal.org_id,
            handing_out,
            principal.user_id,
            lease_seconds=desk.ahead if ahead else desk.lease,
            at_most=desk.at_most,
            child_safety=principal.may(Permission.VIEW_CHILD_SAFETY_DATA),
            ahead=ahead,
            first=first,
        )
        if claimed is None:
            return None
        queue = queues[claimed.job.summary.queue_id]
        if desk.deletions is not None and await desk.deletions.close(claimed, queue, budget):
            continue
        handed_out = await hand_out(desk, principal, claimed)
        if handed_out is not None:
            return handed_out
    raise Unavailable("many appeals against your own decisions were passed over", retry_after=1)


async def hand_out(desk: Desk, principal: Principal, claimed: Claim) -> HandedOut | None:
    """The job as this person gets it; None for an appeal against what they decided themselves: it
    is given back, and is out of their way."""
    job, now = claimed.job, desk.clock()
    summary = job.summary
    alone = not (job.thread_items or job.additional_items or job.reported_in_thread)
    if summary.kind is not JobKind.APPEAL and not summary.csam and alone:
        return HandedOut(claim=claimed, origins=())
    async with transaction(desk.engine) as connection:
        origins = await desk.origins.of(connection, job)
        if principal.user_id not in deciders_of(origins):
            seen = await child_safety.cleared(connection, principal, job, now=now)
            return HandedOut(claim=msgspec.structs.replace(claimed, job=seen), origins=origins)
        freed = await store.withhold(
            connection,
            summary.org_id,
            summary.job_id,
            claimed.lease_token,
            hide_seconds=_HIDE_WITHHELD,
        )
    await desk.order.apply(freed.changes)
    return None


async def held(desk: Desk, principal: Principal) -> list[Holding]:
    """What this person holds now and may see, first claimed first."""
    async with transaction(desk.engine) as connection:
        found = await store.held(connection, principal.org_id, principal.user_id)
        wanted = {(Kind.QUEUE, one.summary.queue_id) for one in found}
        catalogue = await load_documents(connection, principal.org_id, wanted)
    queues = catalogue.all(Kind.QUEUE, Queue)
    return [
        one for one in found if may_see(principal, one.summary, queues.get(one.summary.queue_id))
    ]


async def extend(desk: Desk, principal: Principal, job_id: str, token: str) -> Extended:
    """The lease's new end, and how the job is now. Raises LeaseLost, AlreadyClosed, JobNotFound."""
    async with transaction(desk.engine) as connection:
        await _held(connection, principal, job_id)
        extended: Extended = await store.extend(
            connection, principal.org_id, job_id, token, seconds=desk.lease
        )
    await desk.order.apply(extended.changes)
    return extended


async def release(desk: Desk, principal: Principal, job_id: str, token: str) -> None:
    """Give the job back. Raises as `extend`."""
    async with transaction(desk.engine) as connection:
        await _held(connection, principal, job_id)
        freed: Freed = await store.release(connection, principal.org_id, job_id, token)
    await desk.order.apply(freed.changes)


async def skip(desk: Desk, principal: Principal, job_id: str, token: str) -> None:
    """Leave the job to others: hidden from this reviewer for a while. Raises as `extend`, and
    `Forbidden` where the organisation lets only those skip who edit queues."""
    async with transaction(desk.engine) as connection:
        await _require_skip(connection, principal)
        await _held(connection, principal, job_id)
        freed = await store.skip(
            connection, principal.org_id, job_id, token, hide_seconds=desk.skip
        )
        await audit.record(
            connection,
            org_id=principal.org_id,
            actor=principal.user_id,
            action="job.skipped",
            target=("job", job_id),
            time=desk.clock(),
        )
    await desk.order.apply(freed.changes)


async def _require_skip(connection: AsyncConnection, principal: Principal) -> None:
    wanted = [(Kind.SETTINGS, SETTINGS_ID)]
    catalogue = await load_documents(connection, principal.org_id, wanted)
    reason = refuses_skip(principal, catalogue.get(Kind.SETTINGS, OrgSettings, SETTINGS_ID))
    if reason is not None:
        raise Forbidden(reason)


def refuses_skip(principal: Principal, settings: OrgSettings | None) -> str | None:
    """Why this person may not skip jobs; None where they may."""
    if principal.may(Permission.EDIT_MRT_QUEUES) or settings is None:
        return None
    if not settings.hide_skip_button_for_non_admins:
        return None
    return "this organisation does not let you skip jobs"


async def look(desk: Desk, principal: Principal, job_id: str) -> Job:
    """The whole job, pending or closed. Raises JobNotFound."""
    async with transaction(desk.engine) as connection:
        job = await store.get_job(connection, principal.org_id, job_id)
        await require_readable(connection, principal, job.summary)
        return await child_safety.cleared(connection, principal, job, now=desk.clock())


async def _held(connection: AsyncConnection, principal: Principal, job_id: str) -> None:
    """Raises JobNotFound for a job one may not see, LeaseLost for one that another holds."""
    summary = await store.get_summary(connection, principal.org_id, job_id)
    refuse_removed(summary, await queue_of(connection, summary))
    await require_visible(connection, principal, summary)
    if summary.lease_holder not in (None, principal.user_id):
        raise LeaseLost("somebody else holds this job")


async def queue_of(connection: AsyncConnection, summary: JobSummary) -> Queue | None:
    """The queue of the job; None when it was removed."""
    wanted = [(Kind.QUEUE, summary.queue_id)]
    catalogue = await load_documents(connection, summary.org_id, wanted)
    return catalogue.get(Kind.QUEUE, Queue, summary.queue_id)


async def require_readable(
    connection: AsyncConnection, principal: Principal, summary: JobSummary
) -> None:
    """Raises JobNotFound for a job that this person may not see, or not any more."""
    require_readable_in(await queue_of(connection, summary), principal, summary)


def require_readable_in(queue: Queue | None, principal: Principal, summary: JobSummary) -> None:
    """The same of a job whose queue is known."""
    if not (may_see(principal, summary, queue) and may_read(principal, summary)):
        raise JobNotFound(f"no job {summary.job_id}")


async def require_visible(
    connection: AsyncConnection, principal: Principal, summary: JobSummary
) -> None:
    """Raises JobNotFound for a job that this person may not see."""
    if not may_see(principal, summary, await queue_of(connection, summary)):
        raise JobNotFound(f"no job {summary.job_id}")
