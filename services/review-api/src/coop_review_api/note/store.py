"""Notes on users: what whoever decides about them next should know.

Guarantees: scoped by organisation; only who wrote a note changes it; who wrote it, and who manages
the organisation, deletes it, which leaves who and when; every change is in the audit log; a user
who is about child safety has no notes for who may not see such, and each look at theirs leaves a
row.
Must not: tell anybody; a note is read when the user is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_contracts.ids import new_id
from coop_contracts.permission import Permission
from coop_queues.reading import item_key
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Conflict, Forbidden, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.note.table import user_notes
from coop_review_api.review import child_safety

MAX_TEXT: Final = 5000


@dataclass(frozen=True, kw_only=True)
class NoteLimits:
    """How many a user has at most, those that were deleted among them."""

    of_user: int = 1000


@dataclass(frozen=True, kw_only=True)
class Note:
    """`text` is None once it was deleted."""

    note_id: str
    author_id: str
    text: str | None
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    deleted_by: str | None


async def require(
    connection: AsyncConnection, principal: Principal, user: ItemRef, *, now: datetime
) -> None:
    """Before anything is done with the user's notes. Raises `NotFound`."""
    await child_safety.require(connection, principal, ("user", user.id), items=[user], now=now)


async def before(
    connection: AsyncConnection,
    org_id: str,
    user: ItemRef,
    *,
    time: datetime,
    note_id: str,
    limit: int,
) -> list[Note]:
    """Notes on a user, newest first, from the one before (`time`, `note_id`)."""
    place = tuple_(user_notes.c.created_at, user_notes.c.note_id)
    query = (
        select(user_notes)
        .where(
            user_notes.c.org_id == org_id,
            user_notes.c.user_key == item_key(user.type_id, user.id),
            place < tuple_(time, note_id),
        )
        .order_by(user_notes.c.created_at.desc(), user_notes.c.note_id.desc())
        .limit(limit)
    )
    return [_note_of(row) for row in await connection.execute(query)]


async def write(
    connection: AsyncConnection,
    principal: Principal,
    user: ItemRef,
    text: str,
    *,
    limits: NoteLimits,
    now: datetime,
) -> Note:
    """A new note. Raises `Conflict` when the user has too many."""
    key = item_key(user.type_id, user.id)
    count = select(func.count()).where(
        user_notes.c.org_id == principal.org_id, user_notes.c.user_key == key
    )
    if (await connection.scalar(count) or 0) >= limits.of_user:
        raise Conflict(f"a user has at most {limits.of_user} notes")
    note_id = new_id()
    await connection.execute(
        insert(user_notes).values(
            note_id=note_id,
            org_id=principal.org_id,
            user_key=key,
            author_id=principal.user_id,
            body=text,
            created_at=now,
        )
    )
    await _record(connection, principal, "note.written", note_id, user, now)
    return await get(connection, principal.org_id, user, note_id)


async def edit(
    connection: AsyncConnection,
    principal: Principal,
    user: ItemRef,
    note_id: str,
    text: str,
    *,
    now: datetime,
) -> Note:
    """Change one's own note. Raises `NotFound`, `Forbidden`."""
    found = await _standing(connection, principal.org_id, user, note_id)
    if found.author_id != principal.user_id:
        raise Forbidden("only who wrote a note may change it")
    if text == found.text:
        return found
    await connection.execute(
        update(user_notes).where(user_notes.c.note_id == note_id).values(body=text, edited_at=now)
    )
    await _record(connection, principal, "note.edited", note_id, user, now)
    return await get(connection, principal.org_id, user, note_id)


async def remove(
    connection: AsyncConnection, principal: Principal, user: ItemRef, note_id: str, *, now: datetime
) -> None:
    """Delete a note: its words are gone. Raises `NotFound`, `Forbidden`."""
    found = await _standing(connection, principal.org_id, user, note_id)
    if found.author_id != principal.user_id and not principal.may(Permission.MANAGE_ORG):
        raise Forbidden("only who wrote a note, or manages the organisation, may delete it")
    gone = {"body": None, "deleted_at": now, "deleted_by": principal.user_id}
    await connection.execute(
        update(user_notes).where(user_notes.c.note_id == note_id).values(**gone)
    )
    await _record(connection, principal, "note.deleted", note_id, user, now)


async def get(connection: AsyncConnection, org_id: str, user: ItemRef, note_id: str) -> Note:
    """One note on the user. Raises `NotFound`."""
    query = select(user_notes).where(
        user_notes.c.org_id == org_id,
        user_notes.c.user_key == item_key(user.type_id, user.id),
        user_notes.c.note_id == note_id,
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"no note {note_id:.60}")
    return _note_of(row)


async def _standing(connection: AsyncConnection, org_id: str, user: ItemRef, note_id: str) -> Note:
    found = await get(connection, org_id, user, note_id)
    if found.deleted_at is not None:
        raise NotFound(f"no note {note_id:.60}")
    return found


def _note_of(row: Row[Any]) -> Note:
    return Note(
        note_id=row.note_id,
        author_id=row.author_id,
        text=row.body,
        created_at=row.created_at,
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
        deleted_by=row.deleted_by,
    )


async def _record(
    connection: AsyncConnection,
    principal: Principal,
    action: str,
    note_id: str,
    user: ItemRef,
    now: datetime,
) -> None:
    await audit.record(
        connection,
        org_id=principal.org_id,
        actor=principal.user_id,
        action=action,
        target=("note", note_id),
        detail={"user": {"id": user.id, "typeId": user.type_id}},
        time=now,
    )
