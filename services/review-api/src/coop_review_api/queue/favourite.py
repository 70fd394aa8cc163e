"""The queues that people marked for themselves.

Guarantees: each their own; marking twice is marking once; a queue that is gone is in no list.
Must not: open a queue to anyone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.kernel.error import Conflict
from coop_review_api.kernel.principal import Principal
from coop_review_api.queue.table import queue_favourites
from coop_review_api.review.desk import open_queue, visible_queues

MAX_FAVOURITES = 500


async def mark(
    connection: AsyncConnection, principal: Principal, queue_id: str, *, now: datetime
) -> None:
    """Raises `NotFound` for a queue that is not open to this person, `Conflict` past the limit."""
    await open_queue(connection, principal, queue_id)
    if len(await listed(connection, principal)) >= MAX_FAVOURITES:
        raise Conflict(f"at most {MAX_FAVOURITES} favourites")
    await connection.execute(
        insert(queue_favourites)
        .values(
            user_id=principal.user_id, queue_id=queue_id, org_id=principal.org_id, created_at=now
        )
        .on_conflict_do_nothing()
    )


async def take_over(
    connection: AsyncConnection, org_id: str, user_id: str, queue_ids: Sequence[str], now: datetime
) -> None:
    """What somebody had marked elsewhere, at most as many as may be."""
    for queue_id in queue_ids[:MAX_FAVOURITES]:
        await connection.execute(
            insert(queue_favourites)
            .values(user_id=user_id, queue_id=queue_id, org_id=org_id, created_at=now)
            .on_conflict_do_nothing()
        )


async def unmark(connection: AsyncConnection, principal: Principal, queue_id: str) -> None:
    """Raises `NotFound` as `mark`."""
    await open_queue(connection, principal, queue_id)
    await connection.execute(
        delete(queue_favourites).where(
            queue_favourites.c.user_id == principal.user_id,
            queue_favourites.c.queue_id == queue_id,
        )
    )


async def listed(connection: AsyncConnection, principal: Principal) -> list[str]:
    """Ids of the marked queues that are there and open, the first marked first."""
    f = queue_favourites.c
    query = select(f.queue_id).where(f.user_id == principal.user_id)
    marked = await connection.scalars(query.order_by(f.created_at, f.queue_id))
    known = await visible_queues(connection, principal)
    return [queue_id for queue_id in marked if queue_id in known]
