"""The erasure of an end user from notes: of each stays who wrote it, when, under the stand-in."""

from __future__ import annotations

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.kernel.erasing import Counts, ErasedPart, Eraser
from coop_review_api.note.table import user_notes
from coop_runtime.database.engine import transaction


def eraser(engine: AsyncEngine) -> Eraser:
    """The part of notes."""

    async def of_user(part: ErasedPart) -> Counts:
        emptied = (
            update(user_notes)
            .where(
                user_notes.c.org_id == part.org_id,
                user_notes.c.user_key == part.user_key,
                user_notes.c.created_at <= part.erased.until,
            )
            .values(
                user_key=part.stand_in_key,
                body=None,
                deleted_at=func.coalesce(user_notes.c.deleted_at, func.now()),
                deleted_by=func.coalesce(user_notes.c.deleted_by, "system"),
            )
        )
        async with transaction(engine) as connection:
            return {user_notes.name: (await connection.execute(emptied)).rowcount}

    return Eraser(name="notes", of_user=of_user)
