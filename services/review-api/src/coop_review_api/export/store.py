"""Exports of the decision log as rows.

    RUNNING ──last page──▶ COMPLETE          both go at `expires_at`
       └──too large, or too often in vain──▶ FAILED

Guarantees: a batch is one transaction: its piece of the file and the position after it are there
together, so that whoever goes on after a crash neither repeats nor leaves out an entry; two
processes never write one export at the same time; it holds what its maker might see when they asked
for it, of what had happened by then.
Must not: grow without bound: `MAX_BYTES` a file, `MAX_KEPT` files a person, for `KEPT`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Row, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.ids import new_id
from coop_review_api.decision_log import query
from coop_review_api.decision_log.entry import entries_of
from coop_review_api.decision_log.question import LogQuestion
from coop_review_api.export import file
from coop_review_api.export.file import Format
from coop_review_api.export.table import log_export_chunks, log_exports
from coop_review_api.kernel import audit
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import Conflict
from coop_review_api.kernel.principal import Principal
from coop_review_api.review.visibility import ReaderScope

BATCH: Final = 2000  # entries
MAX_BYTES: Final = 256 * 1024 * 1024
MAX_KEPT: Final = 10
KEPT: Final = timedelta(hours=24)
LEASE: Final = 45.0
"""Seconds in which whoever took an export is to write a batch of it."""

_MAX_ATTEMPTS = 5

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('log-exports ' || :user, 0))")


async def create(
    connection: AsyncConnection,
    principal: Principal,
    wanted: LogQuestion,
    scope: ReaderScope,
    *,
    form: Format,
    now: datetime,
) -> str:
    """A new export, to be written by the relay; its id. Raises `Conflict` when the person has as
    many as may be."""
    await connection.execute(_LOCK, {"user": principal.user_id})
    count = select(func.count()).where(
        log_exports.c.created_by == principal.user_id, log_exports.c.expires_at > now
    )
    if (await connection.scalar(count) or 0) >= MAX_KEPT:
        raise Conflict(f"at most {MAX_KEPT} exports are kept: delete one first")
    # Nothing that comes later is in it, so that its pages stay where they are.
    until = now if wanted.until is None else min(wanted.until, now)
    export_id = new_id()
    await connection.execute(
        insert(log_exports).values(
            export_id=export_id,
            org_id=principal.org_id,
            created_by=principal.user_id,
            format=form,
            wanted=msgspec.to_builtins(msgspec.structs.replace(wanted, until=until)),
            scope=msgspec.to_builtins(scope),
            due_at=now,
            created_at=now,
            expires_at=now + KEPT,
        )
    )
    await audit.record(
        connection,
        org_id=principal.org_id,
        actor=principal.user_id,
        action="decision-log-export.created",
        target=("decision-log-export", export_id),
        detail={"format": form, "wanted": msgspec.to_builtins(wanted)},
        time=now,
    )
    return export_id


async def find(
    connection: AsyncConnection, principal: Principal, export_id: str, *, now: datetime
) -> Row[Any] | None:
    """A person's export that is still kept."""
    query_ = select(log_exports).where(
        log_exports.c.org_id == principal.org_id,
        log_exports.c.created_by == principal.user_id,
        log_exports.c.export_id == export_id,
        log_exports.c.expires_at > now,
    )
    row: Row[Any] | None = (await connection.execute(query_)).one_or_none()
    return row


async def page(
    connection: AsyncConnection,
    principal: Principal,
    *,
    before: str | None,
    limit: int,
    now: datetime,
) -> Sequence[Row[Any]]:
    """A person's exports, newest first, before an id."""
    query_ = (
        select(log_exports)
        .where(
            log_exports.c.org_id == principal.org_id,
            log_exports.c.created_by == principal.user_id,
            log_exports.c.expires_at > now,
        )
        .order_by(log_exports.c.export_id.desc())
        .limit(limit)
    )
    if before is not None:
        query_ = query_.where(log_exports.c.export_id < before)
    return (await connection.execute(query_)).all()


async def chunk(connection: AsyncConnection, export_id: str, number: int) -> bytes | None:
    """A piece of the file, from 0 on."""
    found = await connection.scalar(
        select(log_export_chunks.c.body).where(
            log_export_chunks.c.export_id == export_id, log_export_chunks.c.number == number
        )
    )
    return None if found is None else bytes(found)


async def remove(connection: AsyncConnection, export_id: str) -> None:
    """Delete an export and its file."""
    await connection.execute(delete(log_exports).where(log_exports.c.export_id == export_id))


async def take(connection: AsyncConnection, *, now: datetime) -> str | None:
    """The export that waited longest, taken for `LEASE` seconds; None when none is due.

    One that was taken too often without a batch coming of it is given up.
    """
    due = (
        select(log_exports.c.export_id, log_exports.c.attempts)
        .where(log_exports.c.state == "RUNNING", log_exports.c.due_at <= now)
        .order_by(log_exports.c.due_at, log_exports.c.export_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await connection.execute(due)).one_or_none()
    if row is None:
        return None
    export_id = str(row.export_id)
    if row.attempts >= _MAX_ATTEMPTS:
        await _fail(connection, export_id, "the log did not answer: ask for less", now=now)
        return export_id
    await connection.execute(
        update(log_exports)
        .where(log_exports.c.export_id == export_id)
        .values(attempts=row.attempts + 1, due_at=now + timedelta(seconds=LEASE))
    )
    return export_id


async def advance(
    connection: AsyncConnection, export_id: str, *, clock: Clock, batch: int = BATCH
) -> None:
    """Writes the next piece of an export that was taken; nothing, if it is no longer to be
    written."""
    now = clock()
    locked = select(log_exports).where(
        log_exports.c.export_id == export_id, log_exports.c.state == "RUNNING"
    )
    row = (await connection.execute(locked.with_for_update())).one_or_none()
    if row is None:
        return
    entries = await query.page(
        connection,
        msgspec.convert(row.scope, ReaderScope),
        msgspec.convert(row.wanted, LogQuestion),
        after=row.position,
        limit=batch,
    )
    made = await entries_of(connection, row.org_id, entries, now=now)
    written = file.body(row.format, made)
    if row.chunks == 0:
        written = file.head(row.format) + written
    if row.bytes + len(written) > MAX_BYTES:
        reason = f"the file is larger than {MAX_BYTES} bytes: ask for less time"
        await _fail(connection, export_id, reason, now=now)
        return
    if written:
        await connection.execute(
            insert(log_export_chunks).values(export_id=export_id, number=row.chunks, body=written)
        )
    values: dict[str, Any] = {
        "rows": row.rows + len(made),
        "bytes": row.bytes + len(written),
        "chunks": row.chunks + bool(written),
        "child_safety": row.child_safety or any(entry.csam for entry in made),
        "attempts": 0,
        "due_at": now,
    }
    if len(entries) < batch:
        values |= {"state": "COMPLETE", "finished_at": now}
    else:
        values["position"] = query.position_of(entries[-1])
    await connection.execute(
        update(log_exports).where(log_exports.c.export_id == export_id).values(values)
    )


async def _fail(connection: AsyncConnection, export_id: str, reason: str, *, now: datetime) -> None:
    """It will not be written; what there is of it goes."""
    await connection.execute(
        delete(log_export_chunks).where(log_export_chunks.c.export_id == export_id)
    )
    await connection.execute(
        update(log_exports)
        .where(log_exports.c.export_id == export_id)
        .values(state="FAILED", error=reason, finished_at=now, rows=0, bytes=0, chunks=0)
    )


async def prune(connection: AsyncConnection, *, now: datetime) -> int:
    """Delete some of those that are no longer kept; gives how many."""
    old = (
        select(log_exports.c.export_id)
        .where(log_exports.c.expires_at <= now)
        .limit(10)
        .with_for_update(skip_locked=True)
    )
    done = await connection.execute(
        delete(log_exports).where(log_exports.c.export_id.in_(old.scalar_subquery()))
    )
    return done.rowcount
