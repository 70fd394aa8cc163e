"""The erasure of an end user from comments: on what they made, who wrote when stays, and not what:
it may quote them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import case, literal, update
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.comment.table import comments
from coop_review_api.kernel.erasing import Counts, ErasedPart, Eraser
from coop_runtime.database.engine import transaction

ERASED: Final = "(erased with what it was about)"


def eraser(engine: AsyncEngine) -> Eraser:
    """The part of comments."""

    async def of_items(part: ErasedPart) -> Counts:
        stand_in = literal(part.stand_in_key, comments.c.item_key.type)
        key = case((comments.c.item_key == part.user_key, stand_in), else_=comments.c.item_key)
        emptied = (
            update(comments)
            .where(
                comments.c.org_id == part.org_id,
                comments.c.item_key.in_(part.keys),
                comments.c.created_at <= part.erased.until,
                comments.c.body != ERASED,
            )
            .values(body=ERASED, item_key=key)
        )
        async with transaction(engine) as connection:
            return {comments.name: (await connection.execute(emptied)).rowcount}

    return Eraser(name="comments", of_items=of_items)
