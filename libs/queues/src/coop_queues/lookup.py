"""Reading jobs: one with everything in it, lists, counts.

Guarantees: every query is scoped by organisation; lists are paged by cursor and bounded.
Must not: lock or change anything.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, FromClause, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef, SubmittedItem
from coop_queues.child_safety import GRAVE, is_grave
from coop_queues.error import JobNotFound
from coop_queues.job import Job, JobEntry, JobKind, JobState, JobSummary, PendingPage, QueueCount
from coop_queues.slot import item_key
from coop_queues.table import entries, job_items, jobs, skips

HISTORY_LIMIT: Final = 1000
"""How many entries, and how many items, a `Job` carries at most; the newest ones."""

PAGE_LIMIT: Final = 200

SUMMARY_NAMES: Final[tuple[str, ...]] = (
    *(name for name in JobSummary.__struct_fields__ if name != "item"),
    "item_type_id",
    "item_id",
)
"""What a `JobSummary` is made of: columns of `jobs`, and whether it is grave."""


def summary_columns(table: FromClause) -> tuple[ColumnElement[Any], ...]:
    """The columns of a `JobSummary`, of `jobs` or of what is promised of it."""
    return tuple(
        is_grave(table).label(name) if name == "csam" else table.c[name] for name in SUMMARY_NAMES
    )


SUMMARY_COLUMNS: Final = summary_columns(jobs)
SUMMARY_SQL: Final = ", ".join(
    f"{GRAVE} AS csam" if name == "csam" else f"j.{name}" for name in SUMMARY_NAMES
)
"""The columns of a `JobSummary` of the alias `j`, for statements written as text."""

_BY_ORGANISATION = text(
    "SELECT org_id, count(*) FROM queues.jobs"
    " WHERE state = 'PENDING' AND queue_id = :queue GROUP BY org_id"
)

_entry_decoder = msgspec.json.Decoder(JobEntry)
_item_decoder = msgspec.json.Decoder(SubmittedItem)


def summary_of(row: Mapping[str, Any]) -> JobSummary:
    """The summary in a row of `SUMMARY_COLUMNS`."""
    values = dict(row)
    item = ItemRef(id=values.pop("item_id"), type_id=values.pop("item_type_id"))
    values["job_id"] = str(values["job_id"])
    values["moved_from"] = tuple(str(job_id) for job_id in values["moved_from"])
    values["moved_to"] = values["moved_to"] and str(values["moved_to"])
    values["policy_ids"] = tuple(values["policy_ids"])
    values["kind"], values["state"] = JobKind(values["kind"]), JobState(values["state"])
    return JobSummary(item=item, **values)


def uuid_of(job_id: str) -> str:
    """The id as PostgreSQL reads it; raises JobNotFound for what cannot be a job's id."""
    try:
        return str(uuid.UUID(job_id))
    except ValueError:
        raise JobNotFound(f"no job {job_id:.60}") from None


async def get_summary(connection: AsyncConnection, org_id: str, job_id: str) -> JobSummary:
    """The job, pending or closed, without entries and items. Raises JobNotFound."""
    query = select(*SUMMARY_COLUMNS).where(
        jobs.c.org_id == org_id, jobs.c.job_id == uuid_of(job_id)
    )
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise JobNotFound(f"no job {job_id}")
    return summary_of(dict(row))


async def get_job(connection: AsyncConnection, org_id: str, job_id: str) -> Job:
    """The job, pending or closed, with everything in it. Raises JobNotFound."""
    return await load_job(connection, await get_summary(connection, org_id, job_id))


async def load_job(connection: AsyncConnection, summary: JobSummary) -> Job:
    """The whole of the job that `summary` is of, with the history of those it was moved from."""
    history = [summary.job_id, *summary.moved_from]
    bodies = await connection.scalars(
        select(entries.c.body)
        .where(
            entries.c.org_id == summary.org_id,
            entries.c.job_id.in_(history),
            entries.c.invalidated_at.is_(None),
        )
        .order_by(entries.c.position.desc())
        .limit(HISTORY_LIMIT)
    )
    items = await connection.execute(
        select(job_items.c.role, job_items.c.body)
        .where(job_items.c.job_id.in_(history))
        .order_by(job_items.c.position.desc())
        .limit(HISTORY_LIMIT)
    )
    return _assemble(summary, [_entry_decoder.decode(body) for body in bodies], items)


def _assemble(
    summary: JobSummary, found: Sequence[JobEntry], items: Iterable[tuple[str, bytes]]
) -> Job:
    by_role: dict[str, list[SubmittedItem]] = {"ITEM": [], "THREAD": [], "ADDITIONAL": []}
    for role, body in items:
        by_role[role].append(_item_decoder.decode(body))
    history = sorted(found, key=lambda entry: entry.at, reverse=True)
    references = (reference for entry in history for reference in entry.reported_in_thread)
    return Job(
        summary=summary,
        item=by_role["ITEM"][0],
        earlier_items=tuple(by_role["ITEM"][1:]),
        entries=tuple(history),
        thread_items=_newest(by_role["THREAD"]),
        additional_items=_newest(by_role["ADDITIONAL"]),
        reported_in_thread=tuple({(r.type_id, r.id): r for r in references}.values()),
    )


async def items_in(
    connection: AsyncConnection, summary: JobSummary, item: ItemRef
) -> tuple[SubmittedItem, ...]:
    """Of one item what the job shows, the newest first: every version of the job's own, the last
    one of what came beside it. Nothing else of the job is read: bodies begin with the item's name,
    as the encoder of `SubmittedItem` writes it."""
    begin = msgspec.json.encode({"id": item.id, "typeId": item.type_id})[:-1] + b","
    rows = await connection.execute(
        select(job_items.c.role, job_items.c.body)
        .where(
            job_items.c.job_id.in_([summary.job_id, *summary.moved_from]),
            func.substring(job_items.c.body, 1, len(begin)) == begin,
        )
        .order_by(job_items.c.position.desc())
        .limit(HISTORY_LIMIT)
    )
    found: list[SubmittedItem] = []
    beside: set[str] = set()
    for role, body in rows:
        if role in beside:
            continue
        if role != "ITEM":
            beside.add(role)
        found.append(_item_decoder.decode(body))
    return tuple(found)


def _newest(items: Sequence[SubmittedItem]) -> tuple[SubmittedItem, ...]:
    """One of each item, of those the first."""
    first: dict[tuple[str, str], SubmittedItem] = {}
    for item in items:
        first.setdefault((item.type_id, item.id), item)
    return tuple(first.values())


async def newest_items(
    connection: AsyncConnection, org_id: str, summaries: Sequence[JobSummary]
) -> dict[str, SubmittedItem]:
    """The newest submission of each job's item, by job id."""
    job_of = {
        part: one.job_id
        for one in summaries
        if one.org_id == org_id
        for part in (*one.moved_from, one.job_id)
    }
    query = (
        select(job_items.c.job_id, job_items.c.position, job_items.c.body)
        .ext(distinct_on(job_items.c.job_id))
        .where(job_items.c.job_id.in_(list(job_of)), job_items.c.role == "ITEM")
        .order_by(job_items.c.job_id, job_items.c.position.desc())
    )
    rows = sorted(await connection.execute(query), key=lambda row: int(row.position))
    return {job_of[str(row.job_id)]: _item_decoder.decode(row.body) for row in rows}


async def skipped_until(
    connection: AsyncConnection, reviewer_id: str, job_ids: Sequence[str]
) -> dict[str, datetime]:
    """Those of these jobs that are hidden from the reviewer now, and until when."""
    query = select(skips.c.job_id, skips.c.until).where(
        skips.c.job_id.in_(list(job_ids)),
        skips.c.reviewer_id == reviewer_id,
        skips.c.until > func.clock_timestamp(),
    )
    return {str(row.job_id): row.until for row in await connection.execute(query)}


async def jobs_of_item(
    connection: AsyncConnection,
    org_id: str,
    item: ItemRef,
    *,
    closed: bool = False,
    limit: int = PAGE_LIMIT,
) -> tuple[JobSummary, ...]:
    """The pending jobs of an item in all queues, with `closed` also the past ones; newest first."""
    query = select(*SUMMARY_COLUMNS).where(
        jobs.c.org_id == org_id, jobs.c.item_key == item_key(item.type_id, item.id)
    )
    if not closed:
        query = query.where(jobs.c.state == "PENDING")
    query = query.order_by(jobs.c.created_at.desc(), jobs.c.job_id).limit(limit)
    return tuple(summary_of(dict(row)) for row in (await connection.execute(query)).mappings())


async def pending_page(
    connection: AsyncConnection,
    org_id: str,
    queue_id: str,
    cursor: str | None = None,
    *,
    limit: int = 50,
) -> PendingPage:
    """The queue's pending jobs, leased ones too, in their order. `cursor` is a page's
    `next_cursor`; a cursor that is none of these raises ValueError."""
    limit = max(1, min(limit, PAGE_LIMIT))
    query = select(*SUMMARY_COLUMNS).where(
        jobs.c.org_id == org_id, jobs.c.queue_id == queue_id, jobs.c.state == "PENDING"
    )
    if cursor is not None:
        rank, _, job_id = cursor.partition("_")
        after = (int(rank), str(uuid.UUID(job_id)))
        query = query.where(tuple_(jobs.c.rank, jobs.c.job_id) > after)
    query = query.order_by(jobs.c.rank, jobs.c.job_id).limit(limit + 1)
    rows = (await connection.execute(query)).mappings().all()
    found = tuple(summary_of(dict(row)) for row in rows[:limit])
    more = len(rows) > limit
    return PendingPage(
        jobs=found, next_cursor=f"{found[-1].rank}_{found[-1].job_id}" if more else None
    )


async def pending_by_organisation(
    connection: AsyncConnection, queue_id: str
) -> Sequence[tuple[str, int]]:
    """How many jobs are pending in the queues of that id, by organisation."""
    found = await connection.execute(_BY_ORGANISATION, {"queue": queue_id})
    return [(org_id, count) for org_id, count in found]


async def pending_up_to(
    connection: AsyncConnection,
    org_id: str,
    queue_id: str,
    *,
    most: int,
    child_safety: bool = True,
) -> int:
    """How much is pending in a queue, of so many at most: reads no more than these."""
    some = select(jobs.c.job_id).where(
        jobs.c.org_id == org_id, jobs.c.queue_id == queue_id, jobs.c.state == text("'PENDING'")
    )
    if not child_safety:
        some = some.where(~is_grave(jobs))
    count = select(func.count()).select_from(some.limit(most).subquery())
    return await connection.scalar(count) or 0


async def pending_counts(
    connection: AsyncConnection,
    org_id: str,
    *,
    queue_id: str | None = None,
    child_safety: bool = True,
) -> dict[str, QueueCount]:
    """By queue id, or of that queue alone; a queue with nothing pending is absent. Without
    `child_safety` grave jobs are not counted. Reads every pending row: about 0.2 s for a
    million."""
    live = jobs.c.lease_expires_at > text("clock_timestamp()")
    query = (
        select(
            jobs.c.queue_id,
            func.count(),
            func.count().filter(live),
            func.min(jobs.c.created_at),
            func.count().filter(jobs.c.deadline <= func.clock_timestamp()),
            func.min(jobs.c.deadline),
        )
        .where(jobs.c.org_id == org_id, jobs.c.state == "PENDING")
        .group_by(jobs.c.queue_id)
    )
    if queue_id is not None:
        query = query.where(jobs.c.queue_id == queue_id)
    if not child_safety:
        query = query.where(~is_grave(jobs))
    return {
        found: QueueCount(
            pending=pending,
            leased=leased,
            oldest_created_at=oldest,
            overdue=overdue,
            next_deadline=deadline,
        )
        for found, pending, leased, oldest, overdue, deadline in await connection.execute(query)
    }
