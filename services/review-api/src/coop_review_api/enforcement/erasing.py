"""The erasure of an end user from bulk actions: where one is on a list, the stand-in is; what was
not asked for yet is asked for no more."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.ids import item_key
from coop_review_api.enforcement.table import bulk_items, bulk_jobs
from coop_review_api.kernel.erasing import Counts, ErasedPart, Eraser
from coop_runtime.database.engine import transaction

REFUSED: Final = "erased"

_ITEMS = f"{bulk_items.fullname} i"
_OURS = f"""i.bulk_id IN (SELECT b.bulk_id FROM {bulk_jobs.fullname} b
    WHERE b.org_id = :org AND b.created_at <= :until)"""  # noqa: S608 - names of our own
# A list that has the stand-in already, of an earlier erasure, has it twice under two identities.
_RENAME = text(
    f"""
    UPDATE {_ITEMS}
       SET item_id = :stand_in, item_key = CAST(:stand_in_key AS uuid),
           identity = CASE WHEN i.identity = :identity THEN :stand_in_identity || ' ' || i.position
                           ELSE i.identity END
     WHERE {_OURS} AND i.item_type_id = :type AND i.item_id = :id
    """  # noqa: S608 - names of our own
)
_RENAME_MAKER = text(
    f"""
    UPDATE {_ITEMS} SET creator = jsonb_set(i.creator, '{{id}}', to_jsonb(CAST(:stand_in AS text)))
     WHERE {_OURS} AND i.creator ->> 'id' = :id AND i.creator ->> 'typeId' = :type
    """  # noqa: S608 - names of our own
)
_REFUSE = text(
    f"""
    UPDATE {_ITEMS} SET state = 'REFUSED', reason = :reason
     WHERE {_OURS} AND i.item_key = ANY(CAST(:keys AS uuid[])) AND i.state = 'WAITING'
    RETURNING i.bulk_id
    """  # noqa: S608 - names of our own
)
_COUNT = text(
    f"""
    UPDATE {bulk_jobs.fullname} b SET refused = b.refused + r.refused
      FROM (SELECT bulk_id, count(*) AS refused FROM unnest(CAST(:bulks AS text[])) AS bulk_id
             GROUP BY bulk_id) AS r
     WHERE b.bulk_id = r.bulk_id
    """  # noqa: S608 - names of our own
)


def eraser(engine: AsyncEngine) -> Eraser:
    """The part of bulk actions."""

    async def of_items(part: ErasedPart) -> Counts:
        asked = _asked(part) | {"keys": part.keys, "reason": REFUSED}
        async with transaction(engine) as connection:
            refused = list(await connection.scalars(_REFUSE, asked))
            if refused:
                await connection.execute(_COUNT, {"bulks": refused})
        return {"bulk_items refused": len(refused)}

    async def of_user(part: ErasedPart) -> Counts:
        user, stand_in = part.user, part.stand_in
        asked = _asked(part) | {
            "id": user.id,
            "type": user.type_id,
            "stand_in": stand_in.id,
            "stand_in_key": part.stand_in_key,
            "identity": item_key("", user.type_id, user.id),
            "stand_in_identity": item_key("", stand_in.type_id, stand_in.id),
        }
        async with transaction(engine) as connection:
            named = (await connection.execute(_RENAME, asked)).rowcount
            made = (await connection.execute(_RENAME_MAKER, asked)).rowcount
        return {bulk_items.name: named + made}

    return Eraser(name="bulk actions", of_items=of_items, of_user=of_user)


def _asked(part: ErasedPart) -> dict[str, Any]:
    return {"org": part.org_id, "until": part.erased.until}
