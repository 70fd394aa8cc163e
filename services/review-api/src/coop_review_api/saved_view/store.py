"""Keeping shared views.

Guarantees: everybody of the organisation sees them; who made one changes it, and whoever manages
the organisation; a change that saw another revision is refused; so many and no more; each change
leaves an audit row.
Must not: look into one: what it shows is asked for by whoever opens it, with their own rights.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.permission import Permission
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import (
    Conflict,
    Fault,
    Forbidden,
    Invalid,
    NotFound,
    RevisionMismatch,
)
from coop_review_api.kernel.principal import Principal
from coop_review_api.saved_view.table import shared_views

MAX_BYTES: Final = 16 * 1024
MAX_VIEWS: Final = 1000  # of an organisation

_c = shared_views.c
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('shared-views/' || :org, 0))")


async def page(
    connection: AsyncConnection, org_id: str, *, of_page: str | None, after: str | None, limit: int
) -> Sequence[Row[Any]]:
    """Up to `limit` by id, from the one after `after`."""
    query = select(shared_views).where(_c.org_id == org_id).order_by(_c.view_id).limit(limit)
    if of_page is not None:
        query = query.where(_c.page == of_page)
    if after is not None:
        query = query.where(_c.view_id > after)
    return (await connection.execute(query)).all()


async def find(connection: AsyncConnection, org_id: str, view_id: str) -> Row[Any]:
    """One. Raises `NotFound`."""
    query = select(shared_views).where(_c.org_id == org_id, _c.view_id == view_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"no view {view_id}")
    return row


async def put(
    connection: AsyncConnection,
    principal: Principal,
    view_id: str,
    *,
    of_page: str,
    name: str,
    value: Any,
    expected: int | None,
    now: datetime,
) -> Row[Any]:
    """Save one, a new one where there is none of this id. Raises `Invalid`, `Forbidden`,
    `RevisionMismatch`, `Conflict` past the limit."""
    data = msgspec.json.encode(value)
    if len(data) > MAX_BYTES:
        raise Invalid([Fault("/value", f"at most {MAX_BYTES} bytes")])
    before = await _locked(connection, principal, view_id, expected=expected)
    if before is None:
        await _require_room(connection, principal.org_id)
    changed = {
        "page": of_page,
        "name": name,
        "value": data.decode(),
        "revision": (before.revision if before else 0) + 1,
        "updated_by": principal.user_id,
        "updated_at": now,
    }
    made = {"created_by": principal.user_id, "created_at": now}
    saved = await connection.execute(
        insert(shared_views)
        .values(org_id=principal.org_id, view_id=view_id, **changed, **made)
        .on_conflict_do_update(index_elements=[_c.org_id, _c.view_id], set_=changed)
        .returning(shared_views)
    )
    await _record(connection, principal, "view.saved", view_id, now)
    row: Row[Any] = saved.one()
    return row


async def remove(
    connection: AsyncConnection,
    principal: Principal,
    view_id: str,
    *,
    expected: int | None,
    now: datetime,
) -> None:
    """Delete one. Raises `NotFound`, `Forbidden`, `RevisionMismatch`."""
    if await _locked(connection, principal, view_id, expected=expected) is None:
        raise NotFound(f"no view {view_id}")
    await connection.execute(
        delete(shared_views).where(_c.org_id == principal.org_id, _c.view_id == view_id)
    )
    await _record(connection, principal, "view.deleted", view_id, now)


async def _locked(
    connection: AsyncConnection, principal: Principal, view_id: str, *, expected: int | None
) -> Row[Any] | None:
    """The view that is to be changed, while nobody else changes one of the organisation."""
    await connection.execute(_LOCK, {"org": principal.org_id})
    query = select(shared_views).where(_c.org_id == principal.org_id, _c.view_id == view_id)
    row = (await connection.execute(query)).one_or_none()
    is_anothers = row is not None and row.created_by != principal.user_id
    if is_anothers and not principal.may(Permission.MANAGE_ORG):
        raise Forbidden("only who made a view, or manages the organisation, may change it")
    revision = 0 if row is None else row.revision
    if expected is not None and expected != revision:
        raise RevisionMismatch(expected=expected, current=revision)
    return row


async def _require_room(connection: AsyncConnection, org_id: str) -> None:
    kept = await connection.scalar(
        select(func.count()).select_from(shared_views).where(_c.org_id == org_id)
    )
    if (kept or 0) >= MAX_VIEWS:
        raise Conflict(f"at most {MAX_VIEWS} views")


async def _record(
    connection: AsyncConnection, principal: Principal, action: str, view_id: str, now: datetime
) -> None:
    await audit.record(
        connection,
        org_id=principal.org_id,
        actor=principal.user_id,
        action=action,
        target=("view", view_id),
        detail={},
        time=now,
    )
