"""Where an erasure is, as rows: taken by a worker, moved on, ended.

    erasure  RUNNING ──all its users are done──▶ COMPLETE
    user     COLLECTING ──the list is made──▶ ERASING ──the list is worked off──▶ DONE
                 ▲                              │ first round, or something waits
                 ╰──────── after a while ───────╯

Guarantees: a step and its progress are one transaction, or the step may be done again; what a
worker took is another's when it does not come back within the lease.
Must not: erase anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, delete, func, select, tuple_, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_review_api.erasure.table import erasure_items, erasure_users, erasures
from coop_review_api.kernel import audit
from coop_review_api.kernel.erasing import WAITING, Counts
from coop_review_api.kernel.turn import OrgTurns, take_in_turn

LEASE: Final = timedelta(minutes=5)
_MAX_BACKOFF: Final = timedelta(minutes=10)
_MAX_ERROR = 500


async def take(connection: AsyncConnection, turns: OrgTurns, *, now: datetime) -> Row[Any] | None:
    """The erasure that is next, leased; None when none is due."""
    due = (
        select(erasures)
        .where(erasures.c.state == "RUNNING", erasures.c.due_at <= now)
        .order_by(erasures.c.due_at)
    )
    row: Row[Any] | None = await take_in_turn(
        connection, due, erasures.c.org_id, turns, of=erasures
    )
    if row is not None:
        await _change(
            connection, row.erasure_id, due_at=now + LEASE, attempts=erasures.c.attempts + 1
        )
    return row


async def next_user(
    connection: AsyncConnection, erasure_id: str, *, now: datetime
) -> Row[Any] | None:
    """The user that is next; None when none is due, or all are done."""
    mine = erasure_users.c.erasure_id == erasure_id
    query = select(erasure_users).where(
        mine, erasure_users.c.step != "DONE", erasure_users.c.due_at <= now
    )
    query = query.order_by(erasure_users.c.round, erasure_users.c.position).limit(1)
    row: Row[Any] | None = (await connection.execute(query)).one_or_none()
    return row


async def put_down(connection: AsyncConnection, erasure: Row[Any], *, now: datetime) -> None:
    """Nobody is due: it is done, or goes on when the next one is."""
    mine = erasure_users.c.erasure_id == erasure.erasure_id
    left = select(func.count(), func.min(erasure_users.c.due_at)).where(
        mine, erasure_users.c.step != "DONE"
    )
    count, due_at = (await connection.execute(left)).one()
    if count:
        await _change(connection, erasure.erasure_id, due_at=due_at, attempts=0, error=None)
        return
    await _change(
        connection,
        erasure.erasure_id,
        state="COMPLETE",
        finished_at=now,
        attempts=0,
        error=None,
    )
    await audit.record(
        connection,
        org_id=erasure.org_id,
        actor="system",
        action="erasure.completed",
        target=("erasure", erasure.erasure_id),
        detail={"users": erasure.total},
        time=now,
    )


async def go_on(connection: AsyncConnection, erasure_id: str, *, now: datetime) -> None:
    """A step was done: the next one is due at once."""
    await _change(connection, erasure_id, due_at=now, attempts=0, error=None)


async def failed(
    connection: AsyncConnection, erasure: Row[Any], error: str, *, now: datetime
) -> None:
    """A step could not be done: again later."""
    wait = min(timedelta(seconds=2 ** min(erasure.attempts + 1, 12)), _MAX_BACKOFF)
    await _change(
        connection,
        erasure.erasure_id,
        due_at=now + wait,
        error=error.replace("\0", "\ufffd")[:_MAX_ERROR],
    )


async def listed(connection: AsyncConnection, user: Row[Any], items: Iterable[ItemRef]) -> None:
    """These items of the user are to be erased; what is on the list already is there once."""
    rows = [
        {
            "erasure_id": user.erasure_id,
            "position": user.position,
            "org_id": user.org_id,
            "item_type_id": item.type_id,
            "item_id": item.id,
        }
        for item in items
    ]
    if rows:
        await connection.execute(postgresql.insert(erasure_items).on_conflict_do_nothing(), rows)


async def batch(connection: AsyncConnection, user: Row[Any], *, limit: int) -> list[ItemRef]:
    """So many of the items on the user's list."""
    query = select(erasure_items).where(*_list_of(user)).limit(limit)
    rows = await connection.execute(query)
    return [ItemRef(row.item_id, row.item_type_id) for row in rows]


async def worked_off(
    connection: AsyncConnection,
    user: Row[Any],
    items: Sequence[ItemRef],
    counts: Counts,
    *,
    grave: int,
) -> None:
    """These items are off the list: erased, or of those that stay."""
    pairs = [(item.type_id, item.id) for item in items]
    named = tuple_(erasure_items.c.item_type_id, erasure_items.c.item_id)
    await connection.execute(delete(erasure_items).where(*_list_of(user), named.in_(pairs)))
    await _count(connection, user, counts, grave=grave)


async def collected(connection: AsyncConnection, user: Row[Any]) -> None:
    """The list is made."""
    await _change_user(connection, user, step="ERASING", waiting=0, grave=0)


async def again(
    connection: AsyncConnection, user: Row[Any], counts: Counts, *, at: datetime
) -> None:
    """This round is over; another one begins then."""
    await _count(connection, user, counts, grave=0)
    await _change_user(connection, user, step="COLLECTING", round=user.round + 1, due_at=at)


async def done(connection: AsyncConnection, user: Row[Any], counts: Counts) -> None:
    """Nothing is left: who they were is forgotten here, too."""
    await _count(connection, user, counts, grave=0)
    await _change_user(connection, user, step="DONE", user_id=None)
    await _change(connection, user.erasure_id, done=erasures.c.done + 1)


def added(one: Counts, other: Counts) -> dict[str, int]:
    """The sum."""
    return {kind: one.get(kind, 0) + other.get(kind, 0) for kind in {*one, *other}}


async def _count(
    connection: AsyncConnection, user: Row[Any], counts: Counts, *, grave: int
) -> None:
    locked = select(erasure_users.c.counts).where(*_is(user)).with_for_update()
    before = await connection.scalar(locked)
    erased = {kind: count for kind, count in counts.items() if kind != WAITING and count}
    await _change_user(
        connection,
        user,
        counts=added(before or {}, erased),
        waiting=erasure_users.c.waiting + counts.get(WAITING, 0),
        grave=erasure_users.c.grave + grave,
    )


async def _change(connection: AsyncConnection, erasure_id: str, **values: Any) -> None:
    mine = erasures.c.erasure_id == erasure_id
    await connection.execute(update(erasures).where(mine).values(**values))


async def _change_user(connection: AsyncConnection, user: Row[Any], **values: Any) -> None:
    await connection.execute(update(erasure_users).where(*_is(user)).values(**values))


def _is(user: Row[Any]) -> tuple[Any, Any]:
    return (
        erasure_users.c.erasure_id == user.erasure_id,
        erasure_users.c.position == user.position,
    )


def _list_of(user: Row[Any]) -> tuple[Any, Any]:
    return (
        erasure_items.c.erasure_id == user.erasure_id,
        erasure_items.c.position == user.position,
    )
