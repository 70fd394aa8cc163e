"""Exports of the decision log as rows.

    RUNNING ──last page──▶ COMPLETE          both go at `expires_at`
       └──too large, or too often in vain──▶ FAILED

Guarantees: a batch is one transaction: its piece of the file and the position after it are there
together, so that whoever goes on after a crash neither repeats nor leaves out an entry; two
processes never write one export at the same time; it holds what its maker might see when they asked
for it, of what had happened by then.
Must not: grow without bound: see `ExportLimits`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, delete, exists, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.ids import new_id
from coop_contracts.permission import Permission
from coop_queues.reading import grave_items, item_key
from coop_review_api.decision_log import query
from coop_review_api.decision_log.entry import LogEntry, entries_of
from coop_review_api.decision_log.question import LogQuestion
from coop_review_api.export import file
from coop_review_api.export.file import Format
from coop_review_api.export.table import log_export_chunks, log_exports
from coop_review_api.kernel import audit
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import Conflict, Forbidden, LacksPermission, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.kernel.turn import OrgTurns, take_in_turn
from coop_review_api.notification.kind import ExportData, NotificationKind
from coop_review_api.notification.store import News, tell_people
from coop_review_api.review import child_safety
from coop_review_api.review.visibility import ReaderScope, scope_of


@dataclass(frozen=True, kw_only=True)
class ExportLimits:
    """Entries of a batch; bytes of a file; how many files of a person are kept, and for how long;
    seconds in which whoever took an export is to write a batch of it, and how often it is taken in
    vain."""

    batch: int = 2000
    file_bytes: int = 256 * 1024 * 1024
    of_person: int = 10
    kept: timedelta = timedelta(hours=24)
    lease: float = 45.0
    attempts: int = 5


_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('log-exports ' || :user, 0))")


async def create(
    connection: AsyncConnection,
    principal: Principal,
    wanted: LogQuestion,
    scope: ReaderScope,
    *,
    form: Format,
    limits: ExportLimits,
    now: datetime,
) -> str:
    """A new export, to be written by the relay; its id. Raises `Conflict` when the person has as
    many as may be."""
    await connection.execute(_LOCK, {"user": principal.user_id})
    count = select(func.count()).where(
        log_exports.c.created_by == principal.user_id, log_exports.c.expires_at > now
    )
    if (await connection.scalar(count) or 0) >= limits.of_person:
        raise Conflict(f"at most {limits.of_person} exports are kept: delete one first")
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
            expires_at=now + limits.kept,
        )
    )
    detail = {"format": form, "wanted": msgspec.to_builtins(wanted)}
    await _record(connection, principal, export_id, "created", detail, now=now)
    return export_id


async def find(
    connection: AsyncConnection, principal: Principal, export_id: str, *, now: datetime
) -> Row[Any]:
    """A person's export that is still kept. Raises `NotFound`."""
    query_ = select(log_exports).where(
        log_exports.c.org_id == principal.org_id,
        log_exports.c.created_by == principal.user_id,
        log_exports.c.export_id == export_id,
        log_exports.c.expires_at > now,
    )
    row: Row[Any] | None = (await connection.execute(query_)).one_or_none()
    if row is None:
        raise NotFound(f"no export {export_id:.60}")
    return row


async def opened(
    connection: AsyncConnection, principal: Principal, export_id: str, *, now: datetime
) -> Row[Any]:
    """A person's export whose file they may have now: complete, with the permissions and the queues
    that it was made with. Raises `NotFound`, `Conflict`, `Forbidden`."""
    row = await find(connection, principal, export_id, now=now)
    if row.state != "COMPLETE":
        raise Conflict(f"this export is {row.state}")
    grave = row.child_safety or await _turned_grave(connection, principal.org_id, export_id)
    if grave and not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
        needs = Permission.VIEW_CHILD_SAFETY_DATA
        raise LacksPermission(
            needs,
            message=f"needs {needs}: something in this export is about child safety; make another"
            " one",
        )
    scope = await scope_of(connection, principal)
    if not scope.has_queues_of(msgspec.convert(row.scope, ReaderScope)):
        raise Forbidden("a queue in this export is no longer open to you: make another one")
    await _record(connection, principal, export_id, "downloaded", now=now)
    if grave:
        target = ("decision-log-export", export_id)
        await child_safety.viewed(connection, principal, target, now=now)
    return row


async def _turned_grave(connection: AsyncConnection, org_id: str, export_id: str) -> bool:
    """Whether something in the file is about child safety by now."""
    written = select(func.unnest(log_export_chunks.c.item_keys)).where(
        log_export_chunks.c.export_id == export_id
    )
    grave = grave_items.c
    query = exists().where(grave.org_id == org_id, grave.item_key.in_(written))
    return bool(await connection.scalar(select(query)))


async def delete_own(
    connection: AsyncConnection, principal: Principal, export_id: str, *, now: datetime
) -> None:
    """Stop writing a person's export, or delete its file. Raises `NotFound`."""
    await find(connection, principal, export_id, now=now)
    await connection.execute(delete(log_exports).where(log_exports.c.export_id == export_id))
    await _record(connection, principal, export_id, "deleted", now=now)


async def _record(
    connection: AsyncConnection,
    principal: Principal,
    export_id: str,
    done: str,
    detail: dict[str, Any] | None = None,
    *,
    now: datetime,
) -> None:
    await audit.record(
        connection,
        org_id=principal.org_id,
        actor=principal.user_id,
        action=f"decision-log-export.{done}",
        target=("decision-log-export", export_id),
        detail=detail,
        time=now,
    )


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


async def take(
    connection: AsyncConnection,
    *,
    limits: ExportLimits,
    now: datetime,
    turns: OrgTurns | None = None,
) -> str | None:
    """The export that waited longest, of the organisation whose turn it is, taken for the time of
    its lease; None when none is due.

    One that was taken too often without a batch coming of it is given up.
    """
    due = (
        select(log_exports.c.export_id, log_exports.c.attempts)
        .where(log_exports.c.state == "RUNNING", log_exports.c.due_at <= now)
        .order_by(log_exports.c.due_at, log_exports.c.export_id)
    )
    row = await take_in_turn(
        connection, due, log_exports.c.org_id, turns or OrgTurns(), of=log_exports
    )
    if row is None:
        return None
    export_id = str(row.export_id)
    if row.attempts >= limits.attempts:
        await _fail(connection, export_id, "the log did not answer: ask for less", now=now)
        return export_id
    await connection.execute(
        update(log_exports)
        .where(log_exports.c.export_id == export_id)
        .values(attempts=row.attempts + 1, due_at=now + timedelta(seconds=limits.lease))
    )
    return export_id


async def advance(
    connection: AsyncConnection, export_id: str, *, limits: ExportLimits, clock: Clock
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
    scope = msgspec.convert(row.scope, ReaderScope)
    entries = await query.page(
        connection,
        scope,
        msgspec.convert(row.wanted, LogQuestion),
        after=row.position,
        limit=limits.batch,
    )
    made = await entries_of(
        connection, row.org_id, entries, child_safety=scope.child_safety, now=now
    )
    written = file.body(row.format, made)
    if row.chunks == 0:
        written = file.head(row.format) + written
    if row.bytes + len(written) > limits.file_bytes:
        reason = f"the file is larger than {limits.file_bytes} bytes: ask for less time"
        await _fail(connection, export_id, reason, now=now)
        return
    if written:
        await connection.execute(
            insert(log_export_chunks).values(
                export_id=export_id, number=row.chunks, body=written, item_keys=_keys_of(made)
            )
        )
    values: dict[str, Any] = {
        "rows": row.rows + len(made),
        "bytes": row.bytes + len(written),
        "chunks": row.chunks + bool(written),
        "child_safety": row.child_safety or any(entry.csam for entry in made),
        "attempts": 0,
        "due_at": now,
    }
    if len(entries) < limits.batch:
        values |= {"state": "COMPLETE", "finished_at": now}
    else:
        values["position"] = query.position_of(entries[-1])
    await connection.execute(
        update(log_exports).where(log_exports.c.export_id == export_id).values(values)
    )
    if "state" in values:
        await _tell(connection, export_id, now=now)


def _keys_of(made: Sequence[LogEntry]) -> list[str]:
    """The keys of the items that entries are about, each once."""
    return sorted(
        {
            item_key(entry.item_type_id, entry.item_id)
            for entry in made
            if entry.item_type_id is not None and entry.item_id is not None
        }
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
    await _tell(connection, export_id, now=now)


async def _tell(connection: AsyncConnection, export_id: str, *, now: datetime) -> None:
    """Tell its maker how it ended."""
    ended = (
        await connection.execute(select(log_exports).where(log_exports.c.export_id == export_id))
    ).one()
    failed = ended.state == "FAILED"
    news = News(
        org_id=ended.org_id,
        cause_id=f"export/{export_id}",
        kind=NotificationKind.EXPORT_FAILED if failed else NotificationKind.EXPORT_READY,
        data=ExportData(export_id=export_id, rows=ended.rows, error=ended.error),
        at=now,
    )
    await tell_people(connection, news, [ended.created_by], mail=False)


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
