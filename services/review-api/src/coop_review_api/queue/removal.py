"""Removing a queue: its document goes at once, what is in it goes on elsewhere.

    removed ──▶ nothing is routed there any more ──▶ batch by batch into `move_to` ──▶ looked at
                again ever more rarely, for what a service that had not heard yet still put there
            └── a batch fails ──▶ again after 30 s, and ever more rarely, up to 10 min

Guarantees: no job is lost, whenever it comes; leases on what is moved end, their holders are told;
a queue that was chosen and is removed itself passes everything on; a queue that is restored keeps
what it has. Killed anywhere, the next process goes on with what is left.
Must not: remove a queue that routing rules or settings name: they are named to who asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, Policy, Queue
from coop_queues import store as queues
from coop_queues.job import Moved
from coop_queues.ranking import Ranking
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Conflict, Fault, Invalid
from coop_review_api.kernel.turn import OrgTurns, take_in_turn
from coop_review_api.queue.table import removed_queues

_FIRST_LOOK = timedelta(seconds=2)
_LAST_LOOK = timedelta(minutes=10)
_AFTER_FAILURE = timedelta(seconds=30)
_AT = "#/query/moveTo"


async def remove(
    configuration: LockedConfiguration,
    queue_id: str,
    *,
    move_to: str | None,
    expected: int | None,
) -> None:
    """The end of a queue; its jobs go on in the one named (None: in the default queue, for what is
    still to come). `expected`: the revision that the author saw.

    Raises `NotFound`, `RevisionMismatch`, `Invalid` for a queue that cannot take them, `Conflict`
    when something names the queue, and when jobs wait and none is named.
    """
    queue = (await configuration.get(Kind.QUEUE, Queue, queue_id)).document
    # Deleted first: what forbids it is said before what is wrong with `move_to`.
    await configuration.delete(Kind.QUEUE, queue_id, expected=expected)
    await _prepare(configuration, queue, move_to=move_to)
    await audit.record(
        configuration.connection,
        org_id=configuration.org_id,
        actor=configuration.author,
        action="queue.removed",
        target=("queue", queue_id),
        detail={"moveTo": move_to},
        time=configuration.now,
    )


async def _prepare(
    configuration: LockedConfiguration, queue: Queue, *, move_to: str | None
) -> None:
    """Say where the queue's jobs go on."""
    if move_to is not None:
        others = (await configuration.catalogue(Kind.QUEUE)).all(Kind.QUEUE, Queue)
        reason = _unfit(queue, others.get(move_to))
        if reason is not None:
            raise Invalid([Fault(_AT, reason)])
    else:
        scope = (configuration.connection, configuration.org_id, queue.id)
        if (await queues.contents(*scope)).pending:
            # Those about child safety are not counted to whoever asks: it may be anybody.
            found = await queues.contents(*scope, child_safety=False)
            counted = "jobs are in this queue"
            if found.pending:
                held = f"{found.leased} of them in somebody's hands"
                counted = f"{found.pending} {counted}, {held}"
            raise Conflict(
                f"{counted}: say with moveTo where they go on",
                faults=[Fault(_AT, "required while jobs are in the queue")],
            )
    row = {
        "name": queue.name,
        "is_appeals_queue": queue.is_appeals_queue,
        "move_to": move_to,
        "removed_by": configuration.author,
        "removed_at": configuration.now,
        "moved": 0,
        "due_at": configuration.now,
    }
    await configuration.connection.execute(
        insert(removed_queues)
        .values(org_id=configuration.org_id, queue_id=queue.id, **row)
        .on_conflict_do_update(index_elements=["org_id", "queue_id"], set_=row)
    )


def _unfit(queue: Queue, target: Queue | None) -> str | None:
    if target is None:
        return "no such queue"
    if target.id == queue.id:
        return "this is the queue that is to go"
    if target.is_appeals_queue != queue.is_appeals_queue:
        return "appeals stay in appeals queues, everything else outside"
    return None


async def restored(configuration: LockedConfiguration, queue_id: str) -> None:
    """The queue is there again: nothing more is taken out of it."""
    await configuration.connection.execute(
        delete(removed_queues).where(
            removed_queues.c.org_id == configuration.org_id,
            removed_queues.c.queue_id == queue_id,
        )
    )


async def page(
    connection: AsyncConnection, org_id: str, *, after: str | None, limit: int
) -> Sequence[Any]:
    """Up to `limit` rows of removed queues by id, from the one after `after`."""
    r = removed_queues.c
    query = select(removed_queues).where(r.org_id == org_id)
    if after is not None:
        query = query.where(r.queue_id > after)
    return (await connection.execute(query.order_by(r.queue_id).limit(limit))).all()


async def take(
    connection: AsyncConnection, now: datetime, *, turns: OrgTurns | None = None
) -> Any | None:
    """The row of the removed queue that has been due for longest, of the organisation whose turn it
    is, locked; None when none is."""
    r = removed_queues.c
    due = select(removed_queues).where(r.due_at <= now).order_by(r.due_at, r.queue_id)
    return await take_in_turn(connection, due, r.org_id, turns or OrgTurns(), of=removed_queues)


async def carry_out(
    connection: AsyncConnection, row: Any, *, now: datetime, limit: int
) -> list[Moved]:
    """One batch of up to `limit` jobs, of the queue whose row is locked: what went on."""
    catalogue = await load_catalogue(connection, row.org_id, [Kind.QUEUE, Kind.POLICY])
    known = catalogue.all(Kind.QUEUE, Queue)
    target = known.get(await _target(connection, row, known) or "")
    moved: list[Moved] = []
    if target is not None and row.queue_id not in known:
        policies = catalogue.all(Kind.POLICY, Policy).values()
        moved = await queues.move_batch(
            connection,
            row.org_id,
            row.queue_id,
            to_queue=target.id,
            by=row.removed_by,
            ranking=Ranking.of(target, policies, revision=catalogue.revision),
            limit=limit,
        )
    rest = timedelta() if moved else next_look(now - row.removed_at)
    await _write(connection, row, moved=row.moved + len(moved), due_at=now + rest)
    return moved


def next_look(age: timedelta) -> timedelta:
    """After how long a queue that was removed so long ago is looked at again: ever more rarely."""
    return min(_LAST_LOOK, max(_FIRST_LOOK, age / 10))


async def postpone(connection: AsyncConnection, row: Any, now: datetime) -> None:
    """A batch failed and left nothing: others first, and this one ever more rarely, since it may
    fail for ever. It is not given up: its jobs would be seen by nobody."""
    await _write(connection, row, due_at=now + max(_AFTER_FAILURE, next_look(now - row.removed_at)))


async def _write(connection: AsyncConnection, row: Any, **values: Any) -> None:
    r = removed_queues.c
    await connection.execute(
        update(removed_queues)
        .where(r.org_id == row.org_id, r.queue_id == row.queue_id)
        .values(values)
    )


async def _target(connection: AsyncConnection, row: Any, known: Mapping[str, Queue]) -> str | None:
    """Where its jobs go on now: the queue that was chosen, what that one's removal chose, or the
    default of the class."""
    seen = {row.queue_id}
    move_to: str | None = row.move_to
    while move_to is not None and move_to not in known and move_to not in seen:
        seen.add(move_to)
        move_to = await connection.scalar(
            select(removed_queues.c.move_to).where(
                removed_queues.c.org_id == row.org_id, removed_queues.c.queue_id == move_to
            )
        )
    if move_to in known:
        return move_to
    defaults = (
        queue.id
        for queue in known.values()
        if queue.is_default_queue and queue.is_appeals_queue == row.is_appeals_queue
    )
    return next(defaults, None)
