"""Ordering a bulk action or a reversal, adding to it, confirming it.

Guarantees: nothing happens before the confirmation; above the organisation's limit the number of
items has to be said in it, so that nobody confirms what they have not seen; what was taken back
already is left out of a reversal; a single decision or execution that the caller may not see is not
there.
Must not: carry anything out; `bulk_store` does, afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind
from coop_contracts.event import ItemRef
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.enforcement import bulk_lookup, bulk_store, reversal
from coop_review_api.enforcement.bulk import KINDS, BulkOrder, ReversalOf, Target, check_order
from coop_review_api.enforcement.bulk_lookup import BulkItem
from coop_review_api.kernel.error import Conflict, Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_review_api.review.visibility import scope_of

_SAMPLE = 20


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a job would touch. `duplicates` were named more than once, `in_review` are pending in
    review queues, `sample` are the first items. Of more than `confirmation_above` items the
    confirmation has to say the number."""

    job: Any
    confirmation_above: int
    duplicates: int
    in_review: int
    sample: list[BulkItem]


async def order_action(
    connection: AsyncConnection,
    principal: Principal,
    order: BulkOrder,
    item_ids: Sequence[str],
    *,
    now: datetime,
) -> Preview:
    """A bulk action on these items. Raises `Invalid`."""
    catalogue = await load_catalogue(connection, principal.org_id, KINDS)
    faults = check_order(order, catalogue)
    if faults:
        raise Invalid(faults)
    bulk_id = await bulk_store.create(
        connection, principal, order, kind="ACTION", revision=catalogue.revision, now=now
    )
    targets = [Target(item=ItemRef(one, order.item_type_id or "")) for one in item_ids]
    return await _added(connection, principal, bulk_id, targets, now)


async def add_items(
    connection: AsyncConnection,
    principal: Principal,
    bulk_id: str,
    item_ids: Sequence[str],
    *,
    now: datetime,
) -> Preview:
    """More items for a bulk action. Raises `NotFound`, `Conflict`, `Invalid`."""
    job = await bulk_store.locked(connection, principal, bulk_id)
    if job.kind != "ACTION":
        raise Conflict("a reversal's items are its executions")
    type_id = job.order["itemTypeId"]
    targets = [Target(item=ItemRef(one, type_id)) for one in item_ids]
    return await _added(connection, principal, bulk_id, targets, now)


async def order_reversal(
    connection: AsyncConnection,
    principal: Principal,
    of: ReversalOf,
    *,
    note: str | None,
    now: datetime,
) -> Preview:
    """A reversal of what is named. Raises `NotFound`, `Conflict`, `Invalid`."""
    targets = await _targets(connection, principal, of, now)
    if not targets:
        raise Conflict("there is nothing to reverse")
    await _require_visible(connection, principal, of, targets, now)
    targets = await reversal.left_of(connection, principal.org_id, targets, now=now)
    catalogue = await load_catalogue(connection, principal.org_id, [Kind.SETTINGS])
    bulk_id = await bulk_store.create(
        connection,
        principal,
        BulkOrder(note=note, of=of),
        kind="REVERSAL",
        revision=catalogue.revision,
        now=now,
    )
    return await _added(connection, principal, bulk_id, targets, now)


async def confirm(
    connection: AsyncConnection,
    principal: Principal,
    bulk_id: str,
    *,
    total: int | None,
    now: datetime,
) -> None:
    """Start it. `total` is the number of items as previewed. Raises `NotFound`, `Conflict`,
    `Invalid`."""
    job = await bulk_store.locked(connection, principal, bulk_id)
    above = await bulk_lookup.confirmation_above(connection, principal.org_id)
    if job.total > above and total is None:
        raise Invalid([Fault("/total", f"say the number of items: {job.total}")])
    if total is not None and total != job.total:
        raise Conflict(f"this bulk action has {job.total} items, not {total}")
    await bulk_store.steer(connection, principal, job, "confirm", now=now)


async def _added(
    connection: AsyncConnection,
    principal: Principal,
    bulk_id: str,
    targets: Sequence[Target],
    now: datetime,
) -> Preview:
    job = await bulk_store.locked(connection, principal, bulk_id)
    duplicates = await bulk_store.add(connection, job, targets)
    job = await bulk_lookup.find(connection, principal.org_id, bulk_id)
    first = await bulk_lookup.items(connection, bulk_id, limit=_SAMPLE)
    return Preview(
        job=job,
        confirmation_above=await bulk_lookup.confirmation_above(connection, principal.org_id),
        duplicates=duplicates,
        in_review=await bulk_lookup.in_review(connection, principal, bulk_id),
        sample=await bulk_lookup.visible(connection, principal, job, first, now),
    )


async def _targets(
    connection: AsyncConnection, principal: Principal, of: ReversalOf, now: datetime
) -> list[Target]:
    org_id = principal.org_id
    match of.kind:
        case "EXECUTION":
            return await reversal.of_execution(connection, org_id, of.id)
        case "DECISION":
            scope = await scope_of(connection, principal)
            return await reversal.of_decision(connection, scope, of.id)
        case "BULK_ACTION":
            return await reversal.of_bulk(connection, org_id, of.id)
        case "RULE":
            return await reversal.of_rule(
                connection, org_id, of.id, since=of.since or now, until=of.until or now
            )


async def _require_visible(
    connection: AsyncConnection,
    principal: Principal,
    of: ReversalOf,
    targets: Sequence[Target],
    now: datetime,
) -> None:
    """Raises `NotFound` for a single decision or execution that the caller may not see. What a rule
    or a bulk action did is taken back whole, whatever was among it."""
    items: list[ItemRef] = []
    causes: list[str] = []
    if of.kind == "DECISION":
        target, causes = ("decision", of.id), [of.id]
    elif of.kind == "EXECUTION":
        target, items = ("execution", of.id), [one.item for one in targets]
    else:
        return
    await child_safety.require(connection, principal, target, items=items, causes=causes, now=now)
