"""Bulk actions as the API shows them.

Guarantees: an item's deliveries are as the projector last heard of them.
Must not: change anything but by `preview`, which adds the items that it then shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.event import ItemRef
from coop_queues.reading import JOBS
from coop_review_api.configuration.catalogue import Catalogue, load_catalogue
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.enforcement import bulk_store
from coop_review_api.enforcement.bulk import Order, State, Target
from coop_review_api.enforcement.table import bulk_items, bulk_jobs
from coop_review_api.http.body import Model
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.projection.relation import DELIVERIES
from coop_review_api.review import child_safety

Delivery = Literal["PENDING", "DELIVERED", "DEAD"]
_SAMPLE = 20


class BulkItemView(Model):
    """`deliveries` are the states of its executions; PENDING until one has ended."""

    position: int
    item_id: str
    item_type_id: str
    state: Literal["WAITING", "REQUESTED", "REFUSED"]
    reason: str | None
    execution_ids: list[str]
    deliveries: list[Delivery]
    reverses: str | None


class ReversalOfView(Model):
    """Of a rule: what it did from `since` to before `until`."""

    kind: Literal["DECISION", "BULK_ACTION", "RULE", "EXECUTION"]
    id: str
    since: datetime | None
    until: datetime | None


class BulkActionView(Model):
    """`total` items, of which `requested` were asked for and `refused` could not be.
    `needsTotal`: the confirmation has to say the total. `reversalOf` is what a reversal takes
    back."""

    id: str
    kind: Literal["ACTION", "REVERSAL"]
    state: State
    item_type_id: str | None
    action_ids: list[str]
    policy_ids: list[str]
    parameters: dict[str, Any]
    note: str | None
    reversal_of: ReversalOfView | None
    total: int
    requested: int
    refused: int
    needs_total: bool
    created_by: str
    confirmed_by: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class PreviewView(BulkActionView):
    """What it would touch. `duplicates` were named more than once, `inReview` are pending in review
    queues; `sample` are the first items."""

    duplicates: int
    in_review: int
    sample: list[BulkItemView]


class BulkActionPage(Model):
    items: list[BulkActionView]
    next_cursor: str | None = None


class BulkItemPage(Model):
    items: list[BulkItemView]
    next_cursor: str | None = None


async def preview(
    connection: AsyncConnection,
    principal: Principal,
    bulk_id: str,
    targets: list[Target],
    catalogue: Catalogue,
    now: datetime,
) -> PreviewView:
    job = await bulk_store.locked(connection, principal, bulk_id)
    duplicates = await bulk_store.add(connection, job, targets)
    row = await row_of(connection, principal, bulk_id)
    first = select(bulk_items).where(bulk_items.c.bulk_id == bulk_id)
    first = first.order_by(bulk_items.c.position).limit(_SAMPLE)
    sample: Sequence[Any] = (await connection.execute(first)).all()
    sample = await visible_items(connection, principal, row, sample, now)
    in_review = await connection.scalar(_IN_REVIEW, {"bulk_id": bulk_id, "org": principal.org_id})
    return PreviewView(
        **fields_of(row, catalogue),
        duplicates=duplicates,
        in_review=in_review or 0,
        sample=await item_views(connection, principal.org_id, sample),
    )


_IN_REVIEW = text(
    f"""
    SELECT count(DISTINCT i.item_key)
      FROM review.bulk_items i
      JOIN {JOBS} j
        ON j.org_id = :org AND j.state = 'PENDING' AND j.item_key = i.item_key
     WHERE i.bulk_id = :bulk_id
    """  # noqa: S608 - a constant
)


async def row_of(connection: AsyncConnection, principal: Principal, bulk_id: str) -> Any:
    query = select(bulk_jobs).where(
        bulk_jobs.c.org_id == principal.org_id, bulk_jobs.c.bulk_id == bulk_id
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"no bulk action {bulk_id}")
    return row


async def view_of(
    connection: AsyncConnection,
    principal: Principal,
    bulk_id: str,
    catalogue: Catalogue | None = None,
) -> BulkActionView:
    row = await row_of(connection, principal, bulk_id)
    known = catalogue or await load_catalogue(connection, principal.org_id, [Kind.SETTINGS])
    return BulkActionView(**fields_of(row, known))


def needs_total(row: Any, catalogue: Catalogue) -> bool:
    settings = catalogue.get(Kind.SETTINGS, OrgSettings, SETTINGS_ID)
    limit = (settings or OrgSettings(id=SETTINGS_ID, name="")).bulk_confirmation_above
    return bool(row.total > limit)


def fields_of(row: Any, catalogue: Catalogue) -> dict[str, Any]:
    order = msgspec.convert(row.order, Order)
    return {
        "id": row.bulk_id,
        "kind": row.kind,
        "state": row.state,
        "item_type_id": order.item_type_id,
        "action_ids": list(order.action_ids),
        "policy_ids": list(order.policy_ids),
        "parameters": order.parameters,
        "note": order.note,
        "reversal_of": order.of and ReversalOfView(**msgspec.structs.asdict(order.of)),
        "total": row.total,
        "requested": row.requested,
        "refused": row.refused,
        "needs_total": needs_total(row, catalogue),
        "created_by": row.created_by,
        "confirmed_by": row.confirmed_by,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }


async def visible_items(
    connection: AsyncConnection, principal: Principal, job: Any, rows: Sequence[Any], now: datetime
) -> list[Any]:
    """Those of a job's items that may be shown: what a reversal is of was found here, so it may be
    about child safety; an action's items are what its maker named."""
    if job.kind != "REVERSAL":
        return list(rows)
    return await child_safety.shown(
        connection,
        principal,
        "bulk-items",
        rows,
        item_of=lambda row: ItemRef(id=row.item_id, type_id=row.item_type_id),
        id_of=lambda row: f"{row.bulk_id}/{row.position}",
        now=now,
    )


_ENDED = text(
    f"""
    SELECT DISTINCT ON (execution_id) execution_id, state FROM {DELIVERIES.sql} AS d
     WHERE org_id = :org AND execution_id = ANY(:executions)
     ORDER BY execution_id, time DESC
    """  # noqa: S608 - constants; values are bound
)


async def item_views(connection: AsyncConnection, org_id: str, rows: Any) -> list[BulkItemView]:
    executions = [one for row in rows for one in row.execution_ids or ()]
    ended: dict[str, Delivery] = {}
    if executions:
        found = await connection.execute(_ENDED, {"org": org_id, "executions": executions})
        ended = {row.execution_id: row.state for row in found}
    return [
        BulkItemView(
            position=row.position,
            item_id=row.item_id,
            item_type_id=row.item_type_id,
            state=row.state,
            reason=row.reason,
            execution_ids=row.execution_ids or [],
            deliveries=[ended.get(one, "PENDING") for one in row.execution_ids or ()],
            reverses=row.reverses and row.reverses["executionId"],
        )
        for row in rows
    ]
