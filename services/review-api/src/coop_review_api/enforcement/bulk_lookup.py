"""Bulk jobs as they are read: which there are, what became of their items.

Guarantees: scoped by organisation; an item's deliveries are as the projector last heard of them;
what a reversal is of was found here, so items of child safety are left out of it for those without
the permission, and leave an audit row for the others.
Must not: change anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_queues.reading import GRAVE, JOBS
from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.enforcement.table import bulk_items, bulk_jobs
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.projection.relation import DELIVERIES
from coop_review_api.review import child_safety

DeliveryState = Literal["PENDING", "DELIVERED", "DEAD"]
ItemState = Literal["WAITING", "REQUESTED", "REFUSED"]

_IN_REVIEW = text(
    f"""
    SELECT count(DISTINCT i.item_key)
      FROM review.bulk_items i
      JOIN {JOBS} j
        ON j.org_id = :org AND j.state = 'PENDING' AND j.item_key = i.item_key
     WHERE i.bulk_id = :bulk_id AND (:csam OR NOT {GRAVE})
    """  # noqa: S608 - a constant
)
_ENDED = text(
    f"""
    SELECT DISTINCT ON (execution_id) execution_id, state FROM {DELIVERIES.sql} AS d
     WHERE org_id = :org AND execution_id = ANY(:executions)
     ORDER BY execution_id, time DESC
    """  # noqa: S608 - constants; values are bound
)


@dataclass(frozen=True, kw_only=True)
class BulkItem:
    """A row of `bulk_items`, and the states of its executions; PENDING until one has ended."""

    row: Any
    deliveries: tuple[DeliveryState, ...]


async def find(connection: AsyncConnection, org_id: str, bulk_id: str) -> Any:
    """The job's row. Raises `NotFound`."""
    query = select(bulk_jobs).where(bulk_jobs.c.org_id == org_id, bulk_jobs.c.bulk_id == bulk_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"no bulk action {bulk_id}")
    return row


async def page(
    connection: AsyncConnection, org_id: str, *, before: str | None, limit: int
) -> Sequence[Any]:
    """Up to `limit` jobs, newest first, below an id."""
    query = select(bulk_jobs).where(bulk_jobs.c.org_id == org_id)
    if before is not None:
        query = query.where(bulk_jobs.c.bulk_id < before)
    # The id is a UUIDv7: its order is that of the times.
    query = query.order_by(bulk_jobs.c.bulk_id.desc()).limit(limit)
    return (await connection.execute(query)).all()


async def items(
    connection: AsyncConnection,
    bulk_id: str,
    *,
    state: ItemState | None = None,
    after: int | None = None,
    limit: int,
) -> Sequence[Any]:
    """Up to `limit` rows of a job's items (those of a state) by position, whoever may see them."""
    query = select(bulk_items).where(bulk_items.c.bulk_id == bulk_id)
    if state is not None:
        query = query.where(bulk_items.c.state == state)
    if after is not None:
        query = query.where(bulk_items.c.position > after)
    return (await connection.execute(query.order_by(bulk_items.c.position).limit(limit))).all()


async def visible(
    connection: AsyncConnection, principal: Principal, job: Any, rows: Sequence[Any], now: datetime
) -> list[BulkItem]:
    """Those of a job's items that may be shown. An action's items are what its maker named: to
    them, all."""
    shown = list(rows)
    if job.kind == "REVERSAL" or job.created_by != principal.user_id:
        shown = await child_safety.shown(
            connection,
            principal,
            "bulk-items",
            rows,
            item_of=lambda row: ItemRef(id=row.item_id, type_id=row.item_type_id),
            id_of=lambda row: f"{row.bulk_id}/{row.position}",
            now=now,
        )
    executions = [one for row in shown for one in row.execution_ids or ()]
    ended: dict[str, DeliveryState] = {}
    if executions:
        scope = {"org": principal.org_id, "executions": executions}
        found = await connection.execute(_ENDED, scope)
        ended = {row.execution_id: row.state for row in found}
    return [
        BulkItem(
            row=row,
            deliveries=tuple(ended.get(one, "PENDING") for one in row.execution_ids or ()),
        )
        for row in shown
    ]


async def in_review(connection: AsyncConnection, principal: Principal, bulk_id: str) -> int:
    """How many of a job's items are pending in review queues, as far as the person may know."""
    scope = {
        "bulk_id": bulk_id,
        "org": principal.org_id,
        "csam": principal.may(Permission.VIEW_CHILD_SAFETY_DATA),
    }
    found: int | None = await connection.scalar(_IN_REVIEW, scope)
    return found or 0


async def confirmation_above(connection: AsyncConnection, org_id: str) -> int:
    """Of more items than so many the confirmation has to say the number."""
    return (await settings_of(connection, org_id)).bulk_confirmation_above
