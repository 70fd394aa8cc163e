"""Finding review jobs, pending and closed.

Guarantees: jobs of queues that are closed to the person, about child safety without the permission
for it, and closed ones for those who may not read what was decided, are not found (of one item or
user who investigates finds them in every queue that they know of); pages by cursor;
what is asked for by item, reporter, user or queue is found by an index. A look at child-abuse jobs
leaves an audit row.
Must not: change anything.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_queues import store
from coop_queues.job import JobSummary
from coop_queues.reading import (
    SUMMARY_COLUMNS,
    claims,
    entries,
    is_grave,
    item_key,
    jobs,
    keepings,
    reporter_key,
    summary_of,
)
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_review_api.review.desk import known_queues, visible_queues
from coop_review_api.review.preview import JobPreview, previews_of
from coop_review_api.review.visibility import investigates
from coop_runtime.database.engine import transaction

_MAX_BIGINT: Final = 2**63 - 1


Sort = Literal["age", "handout", "deadline", "severity"]
"""In the order they came, as the queue hands them out, what is due first, the gravest first."""

COUNTED: Final = 1000
"""Counted no further."""


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Which jobs to find; all that is set holds. Times: `…_from` is within, `…_to` is not.
    `item_id_prefix` finds all items whose ids begin so; `subject` is the user whom a job is
    about, `lease_holder` who holds it now, `kept_for` for whom it is kept. `overdue`:
    pending past their deadline, or not."""

    job_id: str | None = None
    kind: str | None = None
    state: str | None = None
    source: str | None = None
    policy_id: str | None = None
    queue_id: str | None = None
    item_type_id: str | None = None
    item_id: str | None = None
    item_id_prefix: str | None = None
    reporter: ItemRef | None = None
    subject: ItemRef | None = None
    lease_holder: str | None = None
    kept_for: str | None = None
    enqueued_from: datetime | None = None
    enqueued_to: datetime | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    deadline_to: datetime | None = None
    overdue: bool | None = None
    newest_first: bool = False
    sort: Sort = "age"

    @property
    def of_one(self) -> bool:
        """Whether one item or one user is asked about, by the whole id."""
        return self.subject is not None or None not in (self.item_type_id, self.item_id)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A job of a list; hidden from who reads it until `skipped_until`, because they skipped it."""

    job: JobSummary
    skipped_until: datetime | None = None
    preview: JobPreview | None = None


async def search(
    engine: AsyncEngine,
    principal: Principal,
    wanted: JobFilter,
    *,
    after: str | None,
    limit: int,
    clock: Clock,
    preview: bool = False,
) -> list[Listed]:
    """`limit` jobs to be shown in their order, from the one after the position `after`, and one
    more where there are more; with `preview` a glance at each. Raises `Invalid`."""
    query = _ordered(query_of(principal, wanted, now=clock()), wanted, after)
    async with transaction(engine) as connection:
        query = await _of_open_queues(connection, principal, wanted, query)
        rows = await connection.execute(query.limit(limit + 1))
        found = [summary_of(dict(row)) for row in rows.mappings()]
        seen_ids = [job.job_id for job in found[:limit] if job.csam]
        await child_safety.listed(connection, principal, "jobs", seen_ids, now=clock())
        shown = found[:limit]
        ids = [job.job_id for job in shown]
        skipped = await store.skipped_until(connection, principal.user_id, ids)
        previews = {}
        if preview:
            previews = await previews_of(connection, principal.org_id, shown)
    return [
        Listed(job=job, skipped_until=skipped.get(job.job_id), preview=previews.get(job.job_id))
        for job in found
    ]


async def count(
    engine: AsyncEngine, principal: Principal, wanted: JobFilter, *, clock: Clock
) -> int:
    """How many jobs fit; `COUNTED` + 1 stands for more than that."""
    query = query_of(principal, wanted, now=clock())
    async with transaction(engine) as connection:
        query = await _of_open_queues(connection, principal, wanted, query)
        some = query.limit(COUNTED + 1).subquery()
        return await connection.scalar(select(func.count()).select_from(some)) or 0


# What each order is made of, and how its values are written and read in a cursor. Lowest first; the
# job's id decides between equals.
_NO_DEADLINE: Final = "9999-01-01T00:00:00+00:00"
_DEADLINE = func.coalesce(jobs.c.deadline, literal(datetime.fromisoformat(_NO_DEADLINE)))
_ORDERS: Final[dict[str, tuple[ColumnElement[Any], ...]]] = {
    "age": (jobs.c.enqueued_at, jobs.c.job_id),
    "handout": (jobs.c.rank, jobs.c.job_id),
    "deadline": (_DEADLINE, jobs.c.job_id),
    "severity": (-jobs.c.severity, jobs.c.rank, jobs.c.job_id),
}


def _ordered(query: Select[Any], wanted: JobFilter, after: str | None) -> Select[Any]:
    """Raises `Invalid`."""
    if wanted.sort != "age":
        if wanted.queue_id is None:
            raise Invalid([Fault("#/query/queueId", f"needed with sort={wanted.sort}")])
        if wanted.newest_first:
            raise Invalid([Fault("#/query/newestFirst", "only with sort=age")])
        query = query.where(jobs.c.state == "PENDING")
    order = _ORDERS[wanted.sort]
    if after is not None:
        seen = _parse_position(after, wanted.sort)
        position = tuple_(*order)
        query = query.where(position < seen if wanted.newest_first else position > seen)
    return query.order_by(*(c.desc() for c in order) if wanted.newest_first else order)


def position_of(listed: Listed, sort: Sort = "age") -> str:
    """Where the job stands in a search."""
    job = listed.job
    value: object = job.enqueued_at.isoformat()
    if sort == "handout":
        value = job.rank
    elif sort == "deadline":
        value = _NO_DEADLINE if job.deadline is None else job.deadline.isoformat()
    elif sort == "severity":
        value = f"{-job.severity} {job.rank}"
    return f"{value} {job.job_id}"


async def about(
    connection: AsyncConnection,
    principal: Principal,
    wanted: JobFilter,
    *,
    most: int,
    now: datetime,
) -> tuple[list[JobSummary], dict[str, int]]:
    """The newest `most` of the jobs, and how many there are by state (of `COUNTED` at most). Who
    asks leaves the audit row."""
    jobs_that_fit = query_of(principal, wanted, now=now)
    query = await _of_open_queues(connection, principal, wanted, jobs_that_fit)
    newest = query.order_by(jobs.c.enqueued_at.desc(), jobs.c.job_id.desc()).limit(most)
    found = [summary_of(dict(row)) for row in (await connection.execute(newest)).mappings()]
    if len(found) < most:
        return found, dict(Counter(str(job.state) for job in found))
    some = query.with_only_columns(jobs.c.state).limit(COUNTED).subquery()
    counted = await connection.execute(
        select(some.c.state, func.count().label("many")).group_by(some.c.state)
    )
    return found, {row.state: row.many for row in counted}


async def _of_open_queues(
    connection: AsyncConnection, principal: Principal, wanted: JobFilter, query: Select[Any]
) -> Select[Any]:
    if principal.may(Permission.EDIT_MRT_QUEUES):
        return query
    if investigates(principal, of_one=wanted.of_one):
        open_ids = await known_queues(connection, principal)
    else:
        open_ids = list(await visible_queues(connection, principal))
    return query.where(jobs.c.queue_id.in_(open_ids))


def query_of(
    principal: Principal, wanted: JobFilter, *, now: datetime
) -> Select[tuple[object, ...]]:
    """The jobs that fit, in any order, in whatever queue."""
    query = select(*SUMMARY_COLUMNS).where(
        jobs.c.org_id == principal.org_id, *_conditions(principal.org_id, wanted, now)
    )
    if not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
        query = query.where(~is_grave(jobs))
    reads = principal.may(Permission.VIEW_MRT_DATA)
    if not reads and not investigates(principal, of_one=wanted.of_one):
        query = query.where(jobs.c.state == "PENDING")
    return query


def _conditions(org_id: str, wanted: JobFilter, now: datetime) -> list[ColumnElement[bool]]:
    exact = {
        jobs.c.job_id: wanted.job_id,
        jobs.c.kind: wanted.kind,
        jobs.c.state: wanted.state,
        jobs.c.source: wanted.source,
        jobs.c.queue_id: wanted.queue_id,
        jobs.c.item_type_id: wanted.item_type_id,
        jobs.c.item_id: wanted.item_id,
    }
    conditions = [column == value for column, value in exact.items() if value is not None]
    if wanted.item_type_id is not None and wanted.item_id is not None:
        # The indexed key of an item.
        conditions.append(jobs.c.item_key == item_key(wanted.item_type_id, wanted.item_id))
    if wanted.item_id_prefix is not None:
        conditions.append(jobs.c.item_id.startswith(wanted.item_id_prefix, autoescape=True))
    if wanted.policy_id is not None:
        conditions.append(jobs.c.policy_ids.contains([wanted.policy_id]))
    if wanted.subject is not None:
        conditions.append(_about(wanted.subject))
    if wanted.reporter is not None:
        conditions.append(_reported_by(org_id, wanted.reporter))
    if wanted.lease_holder is not None:
        conditions.append(_held_by(org_id, wanted.lease_holder, now))
    if wanted.kept_for is not None:
        conditions.append(_kept_for(org_id, wanted.kept_for, now))
    return conditions + _times(wanted, now)


def _times(wanted: JobFilter, now: datetime) -> list[ColumnElement[bool]]:
    bounds = (
        (jobs.c.enqueued_at, wanted.enqueued_from, wanted.enqueued_to),
        (jobs.c.created_at, wanted.created_from, wanted.created_to),
        (jobs.c.deadline, None, wanted.deadline_to),
    )
    conditions = []
    for column, since, until in bounds:
        if since is not None:
            conditions.append(column >= since)
        if until is not None:
            conditions.append(column < until)
    if wanted.overdue is not None:
        late = (jobs.c.state == "PENDING") & (jobs.c.deadline <= now)
        conditions.append(late if wanted.overdue else func.coalesce(~late, True))
    return conditions


def _about(user: ItemRef) -> ColumnElement[bool]:
    # One index has the pending jobs of a user, another one the closed.
    key = item_key(user.type_id, user.id)
    return or_(
        *((jobs.c.subject_key == key) & (jobs.c.state == state) for state in ("PENDING", "CLOSED"))
    )


def _reported_by(org_id: str, reporter: ItemRef) -> ColumnElement[bool]:
    """The jobs that the reporter's entries went to, and those that continue them."""
    key = reporter_key(reporter.type_id, reporter.id)
    reported = (
        select(entries.c.job_id)
        .where(entries.c.org_id == org_id, entries.c.reporter_key == key)
        .cte("reported", recursive=True)
    )
    earlier = jobs.alias("earlier")
    reported = reported.union(
        select(earlier.c.moved_to)
        .join(reported, reported.c.job_id == earlier.c.job_id)
        .where(earlier.c.moved_to.is_not(None))
    )
    return jobs.c.job_id.in_(select(reported.c.job_id))


def _held_by(org_id: str, reviewer_id: str, now: datetime) -> ColumnElement[bool]:
    claimed = select(claims.c.job_id).where(
        claims.c.org_id == org_id,
        claims.c.reviewer_id == reviewer_id,
        claims.c.ended_at.is_(None),
    )
    return (
        jobs.c.job_id.in_(claimed)
        & (jobs.c.lease_holder == reviewer_id)
        & (jobs.c.lease_expires_at > now)
    )


def _kept_for(org_id: str, person_id: str, now: datetime) -> ColumnElement[bool]:
    kept = select(keepings.c.job_id).where(
        keepings.c.org_id == org_id,
        keepings.c.person_id == person_id,
        keepings.c.ended_at.is_(None),
    )
    return jobs.c.job_id.in_(kept) & (jobs.c.kept_for == person_id) & (jobs.c.kept_until > now)


def _parse_position(position: str, sort: Sort) -> tuple[datetime | int | str, ...]:
    *values, job_id = position.split(" ")
    try:
        if len(values) != len(_ORDERS[sort]) - 1:
            raise ValueError
        read = _number if sort in ("handout", "severity") else datetime.fromisoformat
        return *(read(value) for value in values), str(uuid.UUID(job_id))
    except ValueError:
        raise Invalid([Fault("#/query/cursor", "not a cursor of this list")]) from None


def _number(value: str) -> int:
    if abs(int(value)) > _MAX_BIGINT:
        raise ValueError
    return int(value)
