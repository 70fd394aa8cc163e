"""What somebody's pages remember for them, on every machine: documents under names of the page's.

Guarantees: each their own; a document has a revision, and a change that saw another one is refused;
so many, of such a size, and no more; they go with the account.
Must not: look into one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.directory.table import users
from coop_review_api.kernel.error import Conflict, Fault, Invalid, NotFound, RevisionMismatch
from coop_review_api.people.table import user_preferences

MAX_BYTES: Final = 16 * 1024
MAX_KEYS: Final = 50  # of one person

_c = user_preferences.c


@dataclass(frozen=True, kw_only=True)
class Preference:
    """A document. `revision` counts its changes."""

    key: str
    value: Any
    revision: int
    updated_at: datetime


def encoded(value: Any) -> str:
    """The value as it is kept. Raises `Invalid` for one that is too large."""
    data = msgspec.json.encode(value)
    if len(data) > MAX_BYTES:
        raise Invalid([Fault("/value", f"at most {MAX_BYTES} bytes")])
    return data.decode()


async def listed(connection: AsyncConnection, user_id: str) -> Sequence[Preference]:
    """All of a person's, by key."""
    rows = await connection.execute(
        select(user_preferences).where(_c.user_id == user_id).order_by(_c.key)
    )
    return [_of(row) for row in rows]


async def find(connection: AsyncConnection, user_id: str, key: str) -> Preference:
    """One. Raises `NotFound`."""
    row = (
        await connection.execute(
            select(user_preferences).where(_c.user_id == user_id, _c.key == key)
        )
    ).one_or_none()
    if row is None:
        raise NotFound(f"nothing is kept under {key}")
    return _of(row)


async def put(
    connection: AsyncConnection,
    user_id: str,
    key: str,
    value: Any,
    *,
    expected: int | None,
    now: datetime,
) -> Preference:
    """Keep a document. `expected`: the revision that the page saw. Raises `Invalid`,
    `RevisionMismatch`, `Conflict` past the limit."""
    text = encoded(value)
    before = await _locked(connection, user_id, key)
    revision = 0 if before is None else before.revision
    if expected is not None and expected != revision:
        raise RevisionMismatch(expected=expected, current=revision)
    kept = {"value": text, "revision": revision + 1, "updated_at": now}
    if before is not None:
        statement = update(user_preferences).where(_c.user_id == user_id, _c.key == key)
        await connection.execute(statement.values(kept))
    else:
        await _require_room(connection, user_id)
        await connection.execute(insert(user_preferences).values(user_id=user_id, key=key, **kept))
    return Preference(key=key, value=value, revision=revision + 1, updated_at=now)


async def remove(
    connection: AsyncConnection, user_id: str, key: str, *, expected: int | None
) -> None:
    """Keep it no more. Raises `NotFound`, `RevisionMismatch`."""
    before = await _locked(connection, user_id, key)
    if before is None:
        raise NotFound(f"nothing is kept under {key}")
    if expected is not None and expected != before.revision:
        raise RevisionMismatch(expected=expected, current=before.revision)
    await connection.execute(delete(user_preferences).where(_c.user_id == user_id, _c.key == key))


async def forget(connection: AsyncConnection, user_id: str) -> None:
    """All of a person's go."""
    await connection.execute(delete(user_preferences).where(_c.user_id == user_id))


async def _locked(connection: AsyncConnection, user_id: str, key: str) -> Row[Any] | None:
    """The document; the person's others wait as well, so that they can be counted."""
    mine = select(users.c.user_id).where(users.c.user_id == user_id)
    await connection.execute(mine.with_for_update(key_share=True))
    found = await connection.execute(
        select(user_preferences).where(_c.user_id == user_id, _c.key == key)
    )
    return found.one_or_none()


async def _require_room(connection: AsyncConnection, user_id: str) -> None:
    kept = await connection.scalar(
        select(func.count()).select_from(user_preferences).where(_c.user_id == user_id)
    )
    if (kept or 0) >= MAX_KEYS:
        raise Conflict(f"at most {MAX_KEYS} documents")


def _of(row: Row[Any]) -> Preference:
    return Preference(
        key=row.key,
        value=msgspec.json.decode(row.value),
        revision=row.revision,
        updated_at=row.updated_at,
    )
