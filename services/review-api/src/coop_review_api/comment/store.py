"""Comments on items: reading, writing, changing them, telling who is mentioned.

Guarantees: a comment is seen on every job of its item, by whoever may see that job (by those who
may not read history only on the job it was written on); one that was written on a job about child
safety only with the permission for it, and each look at such leaves an audit row. Only its author
changes or deletes it. Who is mentioned may see the job it was written on, is told once, and learns
nothing of its contents from the notification.
Must not: decide who may see a job; `review` does, before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, Queue
from coop_contracts.error import pointer
from coop_contracts.event import ItemRef
from coop_contracts.ids import new_id
from coop_contracts.permission import Permission
from coop_queues.job import JobSummary
from coop_queues.reading import is_grave, item_key, jobs
from coop_review_api.comment.table import comments
from coop_review_api.configuration.catalogue import load_documents
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Conflict, Fault, Forbidden, Invalid, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.notification.kind import MentionData, NotificationKind
from coop_review_api.notification.store import News, tell_people
from coop_review_api.review import child_safety
from coop_review_api.review.colleague import colleagues

MAX_BODY = 5000
MAX_MENTIONS = 20

# A job that is gone can no longer say what it was about.
_CSAM = or_(jobs.c.job_id.is_(None), is_grave(jobs))


@dataclass(frozen=True, kw_only=True)
class CommentLimits:
    """How many an item has at most."""

    of_item: int = 1000


@dataclass(frozen=True, kw_only=True)
class Comment:
    """`job_id` is the job it was written on; `csam` that this is about child safety."""

    comment_id: str
    job_id: str
    author_id: str
    body: str
    mentions: Sequence[str]
    created_at: datetime
    edited_at: datetime | None
    csam: bool


async def page(
    connection: AsyncConnection,
    principal: Principal,
    job: JobSummary,
    *,
    after: str | None,
    limit: int,
    now: datetime,
) -> list[Comment]:
    """`limit` comments on the job's item to be shown, oldest first, from the one after the id
    `after`, and one more where there are more."""
    query = _visible(principal, job).order_by(comments.c.comment_id).limit(limit + 1)
    if after is not None:
        query = query.where(comments.c.comment_id > after)
    found = [_comment_of(row) for row in await connection.execute(query)]
    seen = [one.comment_id for one in found[:limit] if one.csam]
    await child_safety.listed(connection, principal, "comments", seen, now=now)
    return found


async def before(
    connection: AsyncConnection,
    org_id: str,
    item: ItemRef,
    *,
    child_safety: bool,
    time: datetime,
    comment_id: str,
    limit: int,
) -> list[Comment]:
    """Comments on an item, newest first, from the one before (`time`, `comment_id`), for who reads
    history. Who asks leaves the audit row for those that are `csam`."""
    place = tuple_(comments.c.created_at, comments.c.comment_id)
    query = _of_item(org_id, item_key(item.type_id, item.id)).where(
        place < tuple_(time, comment_id)
    )
    if not child_safety:
        query = query.where(~_CSAM)
    query = query.order_by(comments.c.created_at.desc(), comments.c.comment_id.desc())
    return [_comment_of(row) for row in await connection.execute(query.limit(limit))]


async def recent(
    connection: AsyncConnection, principal: Principal, job: JobSummary, *, limit: int
) -> tuple[int, list[Comment]]:
    """How many comments the job's item has that may be shown, and the newest `limit` of them,
    oldest first. Who asks leaves the audit row for those that are `csam`."""
    visible = _visible(principal, job)
    newest = visible.order_by(comments.c.comment_id.desc()).limit(limit)
    found = [_comment_of(row) for row in await connection.execute(newest)]
    count = len(found)
    if count == limit:
        count = await connection.scalar(select(func.count()).select_from(visible.subquery())) or 0
    return count, found[::-1]


async def write(
    connection: AsyncConnection,
    principal: Principal,
    job: JobSummary,
    *,
    body: str,
    mentions: Sequence[str],
    mail: bool,
    limits: CommentLimits,
    now: datetime,
) -> Comment:
    """A new comment. Raises `Invalid`, and `Conflict` when the item has too many."""
    key = item_key(job.item.type_id, job.item.id)
    count = select(func.count()).where(
        comments.c.org_id == principal.org_id, comments.c.item_key == key
    )
    if (await connection.scalar(count) or 0) >= limits.of_item:
        raise Conflict(f"an item has at most {limits.of_item} comments")
    queue = await _queue_of(connection, job)
    wanted = await _check_mentions(connection, principal, job, queue, mentions)
    comment_id = new_id()
    await connection.execute(
        insert(comments).values(
            comment_id=comment_id,
            org_id=principal.org_id,
            item_key=key,
            job_id=job.job_id,
            author_id=principal.user_id,
            body=body,
            mentions=wanted,
            created_at=now,
        )
    )
    await _record(connection, principal, "comment.written", comment_id, job.job_id, now)
    await _tell(connection, principal, job, queue, comment_id, wanted, mail=mail, now=now)
    return await get(connection, principal, job, comment_id)


async def edit(
    connection: AsyncConnection,
    principal: Principal,
    job: JobSummary,
    comment_id: str,
    *,
    body: str | None,
    mentions: Sequence[str] | None,
    mail: bool,
    now: datetime,
) -> Comment:
    """Change what is given; who is newly mentioned is told. Raises `NotFound`, `Forbidden`,
    `Invalid`."""
    found = await _own(connection, principal, job, comment_id)
    changed: dict[str, Any] = {}
    if body is not None and body != found.body:
        changed["body"] = body
    if mentions is not None and list(mentions) != list(found.mentions):
        queue = await _queue_of(connection, job)
        new = [user_id for user_id in mentions if user_id not in found.mentions]
        await _check_mentions(connection, principal, job, queue, new)
        changed["mentions"] = list(dict.fromkeys(mentions))
        await _tell(connection, principal, job, queue, comment_id, new, mail=mail, now=now)
    if not changed:
        return found
    await connection.execute(
        update(comments).where(comments.c.comment_id == comment_id).values(**changed, edited_at=now)
    )
    await _record(connection, principal, "comment.edited", comment_id, job.job_id, now)
    return await get(connection, principal, job, comment_id)


async def remove(
    connection: AsyncConnection,
    principal: Principal,
    job: JobSummary,
    comment_id: str,
    *,
    now: datetime,
) -> None:
    """Delete one's own comment. Raises `NotFound`, `Forbidden`."""
    await _own(connection, principal, job, comment_id)
    await connection.execute(delete(comments).where(comments.c.comment_id == comment_id))
    await _record(connection, principal, "comment.deleted", comment_id, job.job_id, now)


async def get(
    connection: AsyncConnection, principal: Principal, job: JobSummary, comment_id: str
) -> Comment:
    """One comment on the job's item. Raises `NotFound`."""
    query = _visible(principal, job).where(comments.c.comment_id == comment_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"no comment {comment_id:.60}")
    return _comment_of(row)


async def _own(
    connection: AsyncConnection, principal: Principal, job: JobSummary, comment_id: str
) -> Comment:
    found = await get(connection, principal, job, comment_id)
    if found.author_id != principal.user_id:
        raise Forbidden("only who wrote a comment may change or delete it")
    return found


def _of_item(org_id: str, key: str) -> Select[Any]:
    return (
        select(comments, _CSAM.label("csam"))
        .outerjoin(jobs, jobs.c.job_id == comments.c.job_id)
        .where(comments.c.org_id == org_id, comments.c.item_key == key)
    )


def _visible(principal: Principal, job: JobSummary) -> Select[Any]:
    query = _of_item(principal.org_id, item_key(job.item.type_id, job.item.id))
    if not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
        query = query.where(~_CSAM)
    if not principal.may(Permission.VIEW_MRT_DATA):
        # What was said on earlier jobs of the item is history.
        query = query.where(comments.c.job_id.in_([job.job_id, *job.moved_from]))
    return query


def _comment_of(row: Row[Any]) -> Comment:
    return Comment(
        comment_id=row.comment_id,
        job_id=row.job_id,
        author_id=row.author_id,
        body=row.body,
        mentions=row.mentions,
        created_at=row.created_at,
        edited_at=row.edited_at,
        csam=row.csam,
    )


async def _queue_of(connection: AsyncConnection, job: JobSummary) -> Queue | None:
    wanted = [(Kind.QUEUE, job.queue_id)]
    catalogue = await load_documents(connection, job.org_id, wanted)
    return catalogue.get(Kind.QUEUE, Queue, job.queue_id)


async def _check_mentions(
    connection: AsyncConnection,
    principal: Principal,
    job: JobSummary,
    queue: Queue | None,
    mentions: Sequence[str],
) -> list[str]:
    """The people mentioned, each once. Raises `Invalid` for whoever may not see the job; it does
    not say which of them exist."""
    wanted = list(dict.fromkeys(mentions))
    if not wanted:
        return []
    known = await colleagues(connection, principal.org_id, wanted)
    allowed = {user_id for user_id, one in known.items() if one.may_review(job, queue)}
    faults = [
        Fault(pointer("mentions", index), "nobody who may see this job")
        for index, user_id in enumerate(mentions)
        if user_id not in allowed
    ]
    if faults:
        raise Invalid(faults)
    return wanted


async def _tell(
    connection: AsyncConnection,
    principal: Principal,
    job: JobSummary,
    queue: Queue | None,
    comment_id: str,
    mentions: Sequence[str],
    *,
    mail: bool,
    now: datetime,
) -> None:
    others = [user_id for user_id in mentions if user_id != principal.user_id]
    if not others:
        return
    news = News(
        org_id=principal.org_id,
        cause_id=f"comment/{comment_id}",
        kind=NotificationKind.COMMENT_MENTION,
        data=MentionData(
            job_id=job.job_id,
            comment_id=comment_id,
            queue_name=queue.name if queue else "",
            author_id=principal.user_id,
            author_name=principal.name or principal.email,
        ),
        at=now,
    )
    await tell_people(connection, news, others, mail=mail)


async def _record(
    connection: AsyncConnection,
    principal: Principal,
    action: str,
    comment_id: str,
    job_id: str,
    now: datetime,
) -> None:
    await audit.record(
        connection,
        org_id=principal.org_id,
        actor=principal.user_id,
        action=action,
        target=("comment", comment_id),
        detail={"jobId": job_id},
        time=now,
    )
