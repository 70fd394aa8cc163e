"""The erasure of an end user from the item history: every version of what they made goes.

Must not: take what was sent after the moment of erasure.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.event import ItemRef
from coop_review_api.history.table import item_marks, item_versions, kept_items
from coop_review_api.kernel.erasing import Counts, ErasedPart, Eraser
from coop_runtime.database.engine import transaction

_MADE = text(
    f"""
    SELECT DISTINCT type_id, item_id FROM (
        SELECT type_id, item_id, time FROM {item_versions.fullname}
         WHERE org_id = :org AND author_key = :user
        UNION ALL
        SELECT type_id, item_id, time FROM {kept_items.fullname}
         WHERE org_id = :org AND author_key = :user) AS known
     WHERE time <= :until AND (type_id, item_id) > (:after_type, :after_id)
     ORDER BY type_id, item_id LIMIT :limit
    """  # noqa: S608 - names of our own
)
_ITEMS = """(item_id, type_id) IN (
    SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:types AS text[])))"""
_FORGET = {
    table.name: text(
        f"DELETE FROM {table.fullname}"  # noqa: S608 - names of our own
        f" WHERE org_id = :org AND author_key = :user AND time <= :until AND {_ITEMS}"
    )
    for table in (item_versions, kept_items)
}
# What came since keeps its mark: something was done about it again, or may be.
_UNMARK = text(
    f"""
    DELETE FROM {item_marks.fullname} m WHERE m.org_id = :org AND {_ITEMS}
       AND NOT EXISTS (SELECT 1 FROM {item_versions.fullname} v WHERE v.org_id = m.org_id
                          AND v.item_id = m.item_id AND v.type_id = m.type_id)
       AND NOT EXISTS (SELECT 1 FROM {kept_items.fullname} v WHERE v.org_id = m.org_id
                          AND v.item_id = m.item_id AND v.type_id = m.type_id)
    """  # noqa: S608 - names of our own
)


def eraser(engine: AsyncEngine) -> Eraser:
    """The history's part."""

    async def made_by(part: ErasedPart, after: ItemRef | None, limit: int) -> list[ItemRef]:
        asked = {
            "org": part.org_id,
            "user": part.user_key,
            "until": part.erased.until,
            "after_type": "" if after is None else after.type_id,
            "after_id": "" if after is None else after.id,
            "limit": limit,
        }
        async with transaction(engine) as connection:
            rows = (await connection.execute(_MADE, asked)).all()
        return [ItemRef(row.item_id, row.type_id) for row in rows]

    async def of_items(part: ErasedPart) -> Counts:
        asked: dict[str, Any] = {
            "org": part.org_id,
            "ids": [item.id for item in part.items],
            "types": [item.type_id for item in part.items],
        }
        by_user = {**asked, "user": part.user_key, "until": part.erased.until}
        counts: dict[str, int] = {}
        async with transaction(engine) as connection:
            for name, statement in _FORGET.items():
                counts[name] = (await connection.execute(statement, by_user)).rowcount
            counts[item_marks.name] = (await connection.execute(_UNMARK, asked)).rowcount
        return counts

    return Eraser(name="history", made_by=made_by, of_items=of_items)
