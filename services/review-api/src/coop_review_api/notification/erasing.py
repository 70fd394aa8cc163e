"""The erasure of an end user from the history of strikes: how totals came to be stays, under a hash
of the stand-in."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.kernel.erasing import Counts, ErasedPart, Eraser
from coop_review_api.notification.strike import digest_of
from coop_review_api.notification.table import strike_changes
from coop_runtime.database.engine import transaction


def eraser(engine: AsyncEngine) -> Eraser:
    """The part of the history of strikes."""

    async def of_user(part: ErasedPart) -> Counts:
        def digest(type_id: str, user_id: str) -> bytes:
            return digest_of(part.org_id, type_id, user_id)

        renamed = (
            update(strike_changes)
            .where(
                strike_changes.c.user_digest == digest(part.user.type_id, part.user.id),
                strike_changes.c.changed_at <= part.erased.until,
            )
            .values(user_digest=digest(part.stand_in.type_id, part.stand_in.id))
        )
        async with transaction(engine) as connection:
            return {strike_changes.name: (await connection.execute(renamed)).rowcount}

    return Eraser(name="history of strikes", of_user=of_user)
