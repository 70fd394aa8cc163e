"""The erasure of an end user from review: jobs, drafts, and what decisions say beside the fact.

A decision stays: who decided what about which item, when, under which configuration. Its reason,
its note and the parameters of its actions go; where it names the user it names the stand-in.
Pending jobs about the user and their items are closed (`store.close_about`), drafts for them go.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.erasure import renamed
from coop_contracts.event import ItemRef
from coop_queues import reading, store
from coop_queues.store import OrderIndex
from coop_review_api.kernel.erasing import Counts, ErasedPart, Eraser
from coop_review_api.review.table import decisions, job_drafts
from coop_runtime.database.engine import transaction


def eraser(engine: AsyncEngine, order: OrderIndex) -> Eraser:
    """Review's part, and the queue store's."""

    async def made_by(part: ErasedPart, after: ItemRef | None, limit: int) -> list[ItemRef]:
        del limit
        async with transaction(engine) as connection:
            return await store.made_by(connection, part.org_id, part.user, after)

    async def of_items(part: ErasedPart) -> Counts:
        async with transaction(engine) as connection:
            drafts = await _forget_drafts(connection, part)
            made = await _empty_decisions(connection, part)
            changes = await store.close_about(connection, part.org_id, part.erased, part.items)
        await order.apply(changes)
        jobs, after = 0, None
        while True:
            async with transaction(engine) as connection:
                count, after = await store.empty_about(
                    connection, part.org_id, part.erased, part.items, after
                )
            jobs += count
            if after is None:
                return {job_drafts.name: drafts, decisions.name: made, "jobs": jobs}

    async def of_user(part: ErasedPart) -> Counts:
        while True:
            async with transaction(engine) as connection:
                if not await store.key_authors(connection):
                    break
        said = 0
        while True:
            async with transaction(engine) as connection:
                count = await store.empty_by(connection, part.org_id, part.erased)
            said += count
            if not count:
                break
        async with transaction(engine) as connection:
            named = await _rename(connection, part)
        return {"jobs of others": said, decisions.name: named}

    return Eraser(name="review", made_by=made_by, of_items=of_items, of_user=of_user)


async def _forget_drafts(connection: AsyncConnection, part: ErasedPart) -> int:
    jobs = reading.jobs
    about = select(jobs.c.job_id).where(
        jobs.c.org_id == part.org_id, jobs.c.item_key.in_(part.keys)
    )
    gone = await connection.execute(
        delete(job_drafts).where(job_drafts.c.org_id == part.org_id, job_drafts.c.job_id.in_(about))
    )
    return gone.rowcount


async def _empty_decisions(connection: AsyncConnection, part: ErasedPart) -> int:
    """Decisions about these items say what was decided, and no more."""
    by_type: dict[str, list[str]] = {}
    for item in part.items:
        by_type.setdefault(item.type_id, []).append(item.id)
    about = or_(
        *(
            (decisions.c.item_type_id == type_id) & decisions.c.item_id.in_(ids)
            for type_id, ids in by_type.items()
        )
    )
    query = select(decisions).where(
        decisions.c.org_id == part.org_id, decisions.c.decided_at <= part.erased.until, about
    )
    rows = (await connection.execute(query.with_for_update())).all()
    for row in rows:
        is_user = ItemRef(row.item_id, row.item_type_id) == part.user
        values = _named(row, part) | {
            "item_id": part.stand_in.id if is_user else row.item_id,
            "components": [_plain(one) for one in renamed(row.components, part.erased)],
            "reason": None,
            "note": None,
        }
        await _save(connection, row, values)
    return len(rows)


async def _rename(connection: AsyncConnection, part: ErasedPart) -> int:
    """Decisions on something else that acted on the user, or asked for a job about them."""
    named = {"id": part.user.id, "typeId": part.user.type_id}
    query = select(decisions).where(
        decisions.c.org_id == part.org_id,
        decisions.c.decided_at <= part.erased.until,
        or_(
            decisions.c.executions.contains([{"item": named}]),
            decisions.c.components.contains([{"items": [named]}]),
        ),
    )
    rows = (await connection.execute(query.with_for_update())).all()
    for row in rows:
        values = _named(row, part) | {"components": renamed(row.components, part.erased)}
        await _save(connection, row, values)
    return len(rows)


def _named(row: Row[Any], part: ErasedPart) -> dict[str, Any]:
    return {
        "executions": renamed(row.executions, part.erased),
        "escalation": renamed(row.escalation, part.erased),
    }


def _plain(component: dict[str, Any]) -> dict[str, Any]:
    """A component without what somebody wrote for its actions."""
    return {name: value for name, value in component.items() if name != "parameters"}


async def _save(connection: AsyncConnection, row: Row[Any], values: dict[str, Any]) -> None:
    mine = decisions.c.decision_id == row.decision_id
    await connection.execute(update(decisions).where(mine).values(values))
