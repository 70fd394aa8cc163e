"""Golden items: decided jobs whose right decision is known, to measure people by.

Guarantees: a golden item comes to a person once, and never to who decided the job or named it
golden; what its right decision is may be read by those who edit queues alone; retired, it comes to
nobody more, and what was answered keeps counting.
Must not: look different from other second reviews to who reviews them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.ids import new_id
from coop_contracts.permission import Permission
from coop_queues import store
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Conflict, Fault, Invalid, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.quality.category import categories_of
from coop_review_api.quality.sight import harmless, seen_of
from coop_review_api.quality.table import golden_items, second_reviews
from coop_review_api.review.decision import Component
from coop_review_api.review.relation import DECISIONS

_OPEN = text(
    f"""
    SELECT r.second_review_id FROM review.second_reviews r
     WHERE r.org_id = :org AND r.queue_id = :queue AND r.only_for = :reviewer
       AND {seen_of("r")} AND r.state = 'PENDING'
       AND (r.lease_expires_at IS NULL OR r.lease_expires_at <= clock_timestamp())
     ORDER BY r.created_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
    """  # noqa: S608 - constants only; values are bound
)
# By a hash of item and person: each gets them in an order of their own.
_NEXT = text(
    f"""
    INSERT INTO review.second_reviews
           (second_review_id, org_id, queue_id, job_id, golden_id, only_for, not_for, csam,
            expected, available_at)
    SELECT :id, g.org_id, g.queue_id, g.job_id, g.golden_id, :reviewer, '{{}}', g.csam,
           g.expected, now()
      FROM review.golden_items g
     WHERE g.org_id = :org AND g.queue_id = :queue AND g.retired_at IS NULL
       AND {seen_of("g")} AND NOT (:reviewer = ANY (g.not_for))
       AND NOT EXISTS (SELECT 1 FROM review.second_reviews r
                        WHERE r.golden_id = g.golden_id AND r.only_for = :reviewer)
     ORDER BY hashtextextended(g.golden_id || :reviewer, 0) LIMIT 1
    ON CONFLICT DO NOTHING
    RETURNING second_review_id
    """  # noqa: S608
)


async def take(
    connection: AsyncConnection, org_id: str, queue_id: str, *, reviewer_id: str, csam: bool
) -> str | None:
    """A review of a golden item for this person, free and locked; None when there is none left."""
    scope = {"org": org_id, "queue": queue_id, "reviewer": reviewer_id, "csam": csam}
    found: str | None = await connection.scalar(_OPEN, scope)
    if found is None:
        found = await connection.scalar(_NEXT, {**scope, "id": new_id()})
    return found


async def create(
    connection: AsyncConnection,
    principal: Principal,
    decision_id: str,
    *,
    components: Sequence[Component] | None,
    note: str | None,
    now: datetime,
) -> Any:
    """Names a decided job golden; its row. Without `components` the decision made is the right one.

    Raises `NotFound`, `Conflict` (it is golden already, or was undone or moved), `Invalid`.
    """
    row, csam = await _decided(connection, principal, decision_id)
    right = components or msgspec.convert(row.components, tuple[Component, ...])
    if any(part.type in {"MOVE", "CLOSE", "AUTOMATIC_CLOSE"} for part in right):
        raise Invalid([Fault("/components", "a right decision does not move or close")])
    made = await connection.execute(
        insert(golden_items)
        .values(
            golden_id=new_id(),
            org_id=principal.org_id,
            decision_id=decision_id,
            job_id=row.job_id,
            queue_id=row.queue_id,
            csam=csam,
            components=msgspec.to_builtins(right),
            expected=msgspec.to_builtins(categories_of(right)),
            note=note,
            not_for=sorted({principal.user_id, row.reviewer_id or principal.user_id}),
            created_by=principal.user_id,
        )
        .on_conflict_do_nothing()
        .returning(golden_items)
    )
    item = made.one_or_none()
    if item is None:
        raise Conflict("this job is golden already")
    await _audit(connection, principal, "golden-item.created", item.golden_id, now)
    return item


async def _decided(
    connection: AsyncConnection, principal: Principal, decision_id: str
) -> tuple[Any, bool]:
    """The decision's row, and whether its job is of child-abuse material."""
    query = select(DECISIONS.of).where(
        DECISIONS.of.c.org_id == principal.org_id, DECISIONS.of.c.decision_id == decision_id
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"no decision {decision_id:.60}")
    job = await store.get_summary(connection, principal.org_id, row.job_id)
    if job.csam and not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
        raise NotFound(f"no decision {decision_id:.60}")
    if row.undone_at is not None or row.moved_to is not None:
        raise Conflict("a decision that was undone, or that moved the job, decides nothing")
    return row, job.csam


async def get(connection: AsyncConnection, principal: Principal, golden_id: str) -> Any:
    """The row. Raises `NotFound`."""
    query = select(golden_items).where(golden_items.c.golden_id == golden_id, *_visible(principal))
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"no golden item {golden_id:.60}")
    return row


async def page(
    connection: AsyncConnection,
    principal: Principal,
    *,
    queue_id: str | None,
    after: str | None,
    limit: int,
) -> Sequence[Any]:
    """Up to `limit` rows, retired ones among them, newest first from before the id `after`."""
    query = select(golden_items).where(*_visible(principal))
    if queue_id is not None:
        query = query.where(golden_items.c.queue_id == queue_id)
    if after is not None:
        query = query.where(golden_items.c.golden_id < after)
    query = query.order_by(golden_items.c.golden_id.desc()).limit(limit)
    return (await connection.execute(query)).all()


async def retire(
    connection: AsyncConnection, principal: Principal, golden_id: str, now: datetime
) -> None:
    """Nobody gets it any more; who holds it now may not answer. Raises `NotFound`."""
    item = await get(connection, principal, golden_id)
    if item.retired_at is not None:
        return
    await connection.execute(
        update(golden_items).where(golden_items.c.golden_id == golden_id).values(retired_at=now)
    )
    await connection.execute(
        update(second_reviews)
        .where(second_reviews.c.golden_id == golden_id, second_reviews.c.state == "PENDING")
        .values(state="WITHDRAWN", lease_token=None, lease_holder=None, lease_expires_at=None)
    )
    await _audit(connection, principal, "golden-item.retired", golden_id, now)


def _visible(principal: Principal) -> list[ColumnElement[bool]]:
    conditions = [golden_items.c.org_id == principal.org_id]
    if not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
        conditions.append(harmless(golden_items))
    return conditions


async def _audit(
    connection: AsyncConnection, principal: Principal, action: str, golden_id: str, now: datetime
) -> None:
    await audit.record(
        connection,
        org_id=principal.org_id,
        actor=principal.user_id,
        action=action,
        target=("golden-item", golden_id),
        time=now,
    )
