"""Reading erasures. Must not: change anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.erasure.table import erasure_users, erasures
from coop_review_api.kernel.error import NotFound


async def find(connection: AsyncConnection, org_id: str, erasure_id: str) -> Row[Any]:
    """Raises `NotFound`."""
    query = select(erasures).where(erasures.c.org_id == org_id, erasures.c.erasure_id == erasure_id)
    row: Row[Any] | None = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"no erasure {erasure_id:.60}")
    return row


async def page(
    connection: AsyncConnection,
    org_id: str,
    *,
    state: str | None = None,
    before: str | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Newest first; `state`: of this one alone."""
    query = select(erasures).where(erasures.c.org_id == org_id)
    if state is not None:
        query = query.where(erasures.c.state == state)
    if before is not None:
        query = query.where(erasures.c.erasure_id < before)
    query = query.order_by(erasures.c.erasure_id.desc()).limit(limit)
    return (await connection.execute(query)).all()


async def users(
    connection: AsyncConnection, erasure_id: str, *, after: int | None, limit: int
) -> Sequence[Row[Any]]:
    """In the order in which they are erased."""
    query = select(erasure_users).where(erasure_users.c.erasure_id == erasure_id)
    if after is not None:
        query = query.where(erasure_users.c.position > after)
    query = query.order_by(erasure_users.c.position).limit(limit)
    return (await connection.execute(query)).all()


async def sums(connection: AsyncConnection, erasure_id: str) -> tuple[dict[str, int], int, int]:
    """Rows erased by kind; what waits; what is grave."""
    query = select(erasure_users.c.counts, erasure_users.c.waiting, erasure_users.c.grave).where(
        erasure_users.c.erasure_id == erasure_id
    )
    counts: Counter[str] = Counter()
    waiting = grave = 0
    for row in await connection.execute(query):
        counts.update(row.counts)
        waiting += row.waiting
        grave += row.grave
    return dict(counts), waiting, grave
