"""What the log knows of a user: their submissions, and whose an item is.

Guarantees: scoped by organisation; bounded; the newest first. It reaches back as far as the
projection: every submission of the last hours, and before that those whose evaluation was recorded.
Must not: change anything.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef, RulesEvaluated, SubmittedItem
from coop_queues.reading import item_key

MAX_SUBMISSIONS: Final = 2000

_item = msgspec.json.Decoder(SubmittedItem)
_evaluation = msgspec.json.Decoder(RulesEvaluated)

_OF_USER = text(
    """
    SELECT item FROM (
        (SELECT submission_id, time, item FROM review.recent_submissions
          WHERE org_id = :org AND owner_key = :owner ORDER BY time DESC LIMIT :limit)
        UNION
        (SELECT submission_id, time, item FROM review.submissions
          WHERE org_id = :org AND owner_key = :owner ORDER BY time DESC LIMIT :limit)
    ) AS known
    ORDER BY time DESC, submission_id LIMIT :limit
    """
)
# What was recorded is found by its evaluation, what is recent by itself.
_LATEST = text(
    """
    SELECT known.item
      FROM unnest(CAST(:types AS text[]), CAST(:ids AS text[]), CAST(:keys AS uuid[]))
           AS wanted (type_id, id, key)
     CROSS JOIN LATERAL (
        (SELECT time, item FROM review.recent_submissions
          WHERE org_id = :org AND item_id = wanted.id AND item_type_id = wanted.type_id
          ORDER BY time DESC LIMIT 1)
        UNION ALL
        (SELECT s.time, s.item FROM (
            SELECT submission_id, time FROM review.evaluations
             WHERE org_id = :org AND item_key = wanted.key ORDER BY time DESC LIMIT 1) AS e
           JOIN review.submissions s
             ON s.org_id = :org AND s.submission_id = e.submission_id AND s.time = e.time)
        ORDER BY time DESC LIMIT 1
    ) AS known
    """
)
_EVALUATIONS = text(
    """
    SELECT event FROM review.evaluations
     WHERE org_id = :org AND item_key = :item ORDER BY time DESC LIMIT 20
    """
)


async def of_user(
    connection: AsyncConnection, org_id: str, user: ItemRef, *, limit: int = MAX_SUBMISSIONS
) -> tuple[SubmittedItem, ...]:
    """The user's submissions, and those of the user as an item."""
    owner = item_key(user.type_id, user.id)
    rows = await connection.scalars(_OF_USER, {"org": org_id, "owner": owner, "limit": limit})
    return tuple(_item.decode(row) for row in rows)


async def latest_items(
    connection: AsyncConnection, org_id: str, items: Collection[ItemRef]
) -> dict[ItemRef, SubmittedItem]:
    """These items as they were last submitted, those that are known."""
    if not items:
        return {}
    asked = {
        "org": org_id,
        "types": [item.type_id for item in items],
        "ids": [item.id for item in items],
        "keys": [item_key(item.type_id, item.id) for item in items],
    }
    rows = await connection.scalars(_LATEST, asked)
    return {ItemRef(item.id, item.type_id): item for item in map(_item.decode, rows)}


async def creator_of(connection: AsyncConnection, org_id: str, item: ItemRef) -> ItemRef | None:
    """Who made the item, by what was recorded of its evaluations."""
    key = item_key(item.type_id, item.id)
    rows = await connection.scalars(_EVALUATIONS, {"org": org_id, "item": key})
    creators = (_evaluation.decode(row).creator for row in rows)
    return next((creator for creator in creators if creator is not None), None)
