"""Assigning jobs to people, and holding them while an answer is awaited.

Guarantees: whom a job is given to may see it, and is told; who gives it edits queues, who holds one
has its lease, or edits queues; what the organisation allows at most is the end; each step leaves a
row of the job's own and one in the audit log.
Must not: decide what a claim finds; the queue store does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Queue
from coop_contracts.permission import Permission
from coop_queues import store
from coop_queues.error import HeldByOther, LeaseLost, NotKept
from coop_queues.job import JobSummary, KeepAs, Keeping, Kept, OrderChange
from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.kernel import audit
from coop_review_api.kernel.access import refuse_removed
from coop_review_api.kernel.error import Conflict, Fault, Forbidden, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.notification.kind import AssignedData, NotificationKind
from coop_review_api.notification.store import News, tell_people
from coop_review_api.review import desk as desks
from coop_review_api.review.colleague import colleagues
from coop_review_api.review.desk import Desk
from coop_review_api.review.taking import held_by
from coop_runtime.database.engine import transaction


@dataclass(frozen=True, kw_only=True)
class KeepOrder:
    """`person_id`: for whom; None: for whoever has the answer. Until `until`, or for `hours`, or
    else for as long as the organisation allows."""

    kept_as: KeepAs
    person_id: str | None
    reason: str | None
    until: datetime | None = None
    hours: float | None = None
    lease_token: str | None = None


async def keep(
    desk: Desk, principal: Principal, job_id: str, order: KeepOrder, *, mail: bool
) -> JobSummary:
    """Keep the job, in place of what it was kept for before.

    Raises JobNotFound, AlreadyClosed, `Held`, LeaseLost, `Forbidden`, `Invalid`.
    """
    try:
        async with transaction(desk.engine) as connection:
            kept, changes = await _keep(connection, desk, principal, job_id, order, mail=mail)
    except HeldByOther as held:
        raise await held_by(desk, principal, held) from held
    await desk.order.apply(changes)
    return kept.summary


async def _keep(
    connection: AsyncConnection,
    desk: Desk,
    principal: Principal,
    job_id: str,
    order: KeepOrder,
    *,
    mail: bool,
) -> tuple[Kept, list[OrderChange]]:
    summary, queue = await _job(connection, principal, job_id)
    _require_may_keep(principal, summary, order)
    seconds = await _seconds(connection, principal.org_id, order, now=desk.clock())
    await _require_may_see(connection, summary, queue, order)
    changes: list[OrderChange] = []
    if order.lease_token is not None:
        freed = await store.release(connection, principal.org_id, job_id, order.lease_token)
        changes += freed.changes
    kept = await store.keep(
        connection,
        principal.org_id,
        job_id,
        kept_as=order.kept_as,
        person_id=order.person_id,
        seconds=seconds,
        by=principal.user_id,
        reason=order.reason,
    )
    action = "job.assigned" if order.kept_as == "ASSIGNED" else "job.held"
    await _record(connection, desk, principal, action, job_id, order.person_id)
    if order.person_id not in (None, principal.user_id):
        await _tell(connection, principal, kept, queue, order, mail=mail, now=desk.clock())
    return kept, [*changes, *kept.changes]


async def _job(
    connection: AsyncConnection, principal: Principal, job_id: str
) -> tuple[JobSummary, Queue | None]:
    summary = await store.get_summary(connection, principal.org_id, job_id)
    queue = await desks.queue_of(connection, summary)
    refuse_removed(summary, queue)
    await desks.require_visible(connection, principal, summary)
    return summary, queue


def _require_may_keep(principal: Principal, summary: JobSummary, order: KeepOrder) -> None:
    if order.lease_token is not None and summary.lease_holder not in (None, principal.user_id):
        raise LeaseLost("somebody else holds this job")
    if order.lease_token is None and not principal.may(Permission.EDIT_MRT_QUEUES):
        raise Forbidden("claim the job first: only who edits queues holds one without its lease")


async def _seconds(
    connection: AsyncConnection, org_id: str, order: KeepOrder, *, now: datetime
) -> float:
    most = timedelta(hours=(await settings_of(connection, org_id)).max_hold_hours)
    wanted, at = most, "/hours"
    if order.until is not None:
        wanted, at = order.until - now, "/until"
    elif order.hours is not None:
        wanted = timedelta(hours=order.hours)
    if wanted > most:
        raise Invalid([Fault(at, f"at most {most.total_seconds() / 3600:g} hours from now")])
    if wanted <= timedelta(0):
        raise Invalid([Fault(at, "lies in the past")])
    return wanted.total_seconds()


async def _require_may_see(
    connection: AsyncConnection, summary: JobSummary, queue: Queue | None, order: KeepOrder
) -> None:
    if order.person_id is None:
        return
    known = await colleagues(connection, summary.org_id, [order.person_id])
    one = known.get(order.person_id)
    if one is None or not one.may_review(summary, queue):
        at = "/personId" if order.kept_as == "ASSIGNED" else "/for"
        raise Invalid([Fault(at, "nobody who may see this job")])


async def _tell(
    connection: AsyncConnection,
    principal: Principal,
    kept: Kept,
    queue: Queue | None,
    order: KeepOrder,
    *,
    mail: bool,
    now: datetime,
) -> None:
    data = AssignedData(
        job_id=kept.summary.job_id,
        queue_name=queue.name if queue else "",
        by_id=principal.user_id,
        by_name=principal.name or principal.email,
        until=kept.summary.kept_until,
    )
    kind = NotificationKind.JOB_ASSIGNED
    if order.kept_as == "HELD":
        kind = NotificationKind.JOB_HELD
    news = News(
        org_id=principal.org_id,
        cause_id=f"keeping/{kept.summary.job_id}/{kept.number}",
        kind=kind,
        data=data,
        at=now,
    )
    await tell_people(connection, news, [str(order.person_id)], mail=mail)


async def take_back(desk: Desk, principal: Principal, job_id: str, kept_as: KeepAs) -> None:
    """The job is everybody's again, at its place. By who edits queues, whom it is kept for, or who
    had it kept.

    Raises JobNotFound, AlreadyClosed, `Forbidden`, `Conflict` (it is not kept so).
    """
    async with transaction(desk.engine) as connection:
        summary, _ = await _job(connection, principal, job_id)
        open_one = next(
            (
                one
                for one in await store.keepings_of(connection, principal.org_id, [job_id])
                if one.ended_at is None
            ),
            None,
        )
        own = open_one is not None and principal.user_id in (open_one.person_id, open_one.kept_by)
        if not own and not principal.may(Permission.EDIT_MRT_QUEUES):
            raise Forbidden("only who edits queues, or whom it concerns, takes this back")
        try:
            freed = await store.unkeep(
                connection,
                principal.org_id,
                job_id,
                by=principal.user_id,
                outcome="TAKEN_BACK",
                kept_as=kept_as,
            )
        except NotKept:
            word = "assigned" if kept_as == "ASSIGNED" else "held"
            raise Conflict(f"this job is not {word}") from None
        action = "job.unassigned" if kept_as == "ASSIGNED" else "job.unheld"
        await _record(connection, desk, principal, action, job_id, summary.kept_for)
    await desk.order.apply(freed.changes)


async def history(desk: Desk, principal: Principal, job_id: str) -> tuple[Keeping, ...]:
    """How the job, and those that it continues, were kept, newest first. Raises JobNotFound."""
    async with transaction(desk.engine) as connection:
        summary = await store.get_summary(connection, principal.org_id, job_id)
        await desks.require_readable(connection, principal, summary)
        return await store.keepings_of(
            connection, principal.org_id, [summary.job_id, *summary.moved_from]
        )


async def _record(
    connection: AsyncConnection,
    desk: Desk,
    principal: Principal,
    action: str,
    job_id: str,
    person_id: str | None,
) -> None:
    await audit.record(
        connection,
        org_id=principal.org_id,
        actor=principal.user_id,
        action=action,
        target=("job", job_id),
        detail={"personId": person_id},
        time=desk.clock(),
    )
