"""The erasure of an end user from automations: an order that names them names the stand-in."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.erasure import renamed
from coop_review_api.automation.table import automations
from coop_review_api.kernel.erasing import Counts, ErasedPart, Eraser
from coop_runtime.database.engine import transaction


def eraser(engine: AsyncEngine) -> Eraser:
    """The part of automations."""

    async def of_user(part: ErasedPart) -> Counts:
        count = 0
        async with transaction(engine) as connection:
            rows = await connection.execute(
                select(automations.c.automation_id, automations.c.order)
                .where(automations.c.org_id == part.org_id, automations.c.state != "RUNNING")
                .with_for_update()
            )
            for row in rows.all():
                order = renamed(row.order, part.erased)
                if order != row.order:
                    mine = automations.c.automation_id == row.automation_id
                    await connection.execute(update(automations).where(mine).values(order=order))
                    count += 1
        return {automations.name: count}

    return Eraser(name="automations", of_user=of_user)
