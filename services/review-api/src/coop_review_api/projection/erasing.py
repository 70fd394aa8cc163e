"""The erasure of an end user from the projection: submissions and evaluations go, actions that were
asked for stay under the stand-in's name, without a note.

Must not: take what was sent after the moment of erasure.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.event import ItemRef
from coop_review_api.kernel.erasing import Counts, ErasedPart, Eraser
from coop_review_api.projection.table import (
    evaluations,
    recent_submissions,
    requested_actions,
    submissions,
)
from coop_runtime.database.engine import transaction

_MADE = text(
    f"""
    SELECT DISTINCT type_id, item_id FROM (
        SELECT item_type_id AS type_id, item_id, time FROM {recent_submissions.fullname}
         WHERE org_id = :org AND owner_key = :user
        UNION ALL
        SELECT item_type_id, item_id, time FROM {submissions.fullname}
         WHERE org_id = :org AND owner_key = :user
        UNION ALL
        SELECT item_type_id, item_id, time FROM {requested_actions.fullname}
         WHERE org_id = :org AND creator_key = :user) AS known
     WHERE time <= :until AND (type_id, item_id) > (:after_type, :after_id)
     ORDER BY type_id, item_id LIMIT :limit
    """  # noqa: S608 - names of our own
)
_FORGET = {
    table.name: text(
        f"""
        DELETE FROM {table.fullname}
         WHERE org_id = :org AND owner_key = :user AND time <= :until
           AND (item_id, item_type_id) IN (
                SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:types AS text[])))
        """  # noqa: S608 - names of our own
    )
    for table in (recent_submissions, submissions)
}
_FORGET_EVALUATIONS = text(
    f"""
    DELETE FROM {evaluations.fullname}
     WHERE org_id = :org AND item_key = ANY(CAST(:keys AS uuid[])) AND time <= :until
    """  # noqa: S608 - names of our own
)
_FORGET_NOTES = text(
    f"""
    UPDATE {requested_actions.fullname} SET note = NULL
     WHERE org_id = :org AND item_key = ANY(CAST(:keys AS uuid[])) AND time <= :until
       AND note IS NOT NULL
    """  # noqa: S608 - names of our own
)
_RENAME = (
    text(
        f"""
        UPDATE {requested_actions.fullname}
           SET creator_id = :stand_in, creator_key = CAST(:stand_in_key AS uuid)
         WHERE org_id = :org AND creator_key = :user AND time <= :until
        """  # noqa: S608 - names of our own
    ),
    text(
        f"""
        UPDATE {requested_actions.fullname}
           SET item_id = :stand_in, item_key = CAST(:stand_in_key AS uuid), note = NULL
         WHERE org_id = :org AND item_key = :user AND time <= :until
        """  # noqa: S608 - names of our own
    ),
)


def eraser(engine: AsyncEngine) -> Eraser:
    """The projection's part."""

    async def made_by(part: ErasedPart, after: ItemRef | None, limit: int) -> list[ItemRef]:
        asked = _by_user(part) | {
            "after_type": "" if after is None else after.type_id,
            "after_id": "" if after is None else after.id,
            "limit": limit,
        }
        async with transaction(engine) as connection:
            rows = (await connection.execute(_MADE, asked)).all()
        return [ItemRef(row.item_id, row.type_id) for row in rows]

    async def of_items(part: ErasedPart) -> Counts:
        asked = _by_user(part)
        items = {
            "ids": [item.id for item in part.items],
            "types": [item.type_id for item in part.items],
        }
        keys = {"org": part.org_id, "until": part.erased.until, "keys": part.keys}
        counts: dict[str, int] = {}
        async with transaction(engine) as connection:
            for name, statement in _FORGET.items():
                counts[name] = (await connection.execute(statement, asked | items)).rowcount
            gone = await connection.execute(_FORGET_EVALUATIONS, keys)
            counts[evaluations.name] = gone.rowcount
            await connection.execute(_FORGET_NOTES, keys)
        return counts

    async def of_user(part: ErasedPart) -> Counts:
        asked = _by_user(part) | {
            "stand_in": part.stand_in.id,
            "stand_in_key": part.stand_in_key,
        }
        count = 0
        async with transaction(engine) as connection:
            for statement in _RENAME:
                count += (await connection.execute(statement, asked)).rowcount
        return {requested_actions.name: count}

    return Eraser(name="projection", made_by=made_by, of_items=of_items, of_user=of_user)


def _by_user(part: ErasedPart) -> dict[str, Any]:
    return {"org": part.org_id, "user": part.user_key, "until": part.erased.until}
