"""The erasure of an end user from exports: a file that has anything of them goes as a whole, and
whoever wanted it asks for it again. Files are kept for a day at most."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.export.table import log_export_chunks, log_exports
from coop_review_api.kernel.erasing import Counts, ErasedPart, Eraser
from coop_runtime.database.engine import transaction

_FORGET = f"""
    DELETE FROM {log_exports.fullname} e WHERE e.org_id = :org
       AND EXISTS (SELECT 1 FROM {log_export_chunks.fullname} c
                    WHERE c.export_id = e.export_id AND %s)
"""  # noqa: S608 - names of our own
_ABOUT = text(_FORGET % "c.item_keys && CAST(:keys AS uuid[])")
# A decision on something else may have acted on the user.
_NAMING = text(_FORGET % "position(CAST(:id AS bytea) IN c.body) > 0")


def eraser(engine: AsyncEngine) -> Eraser:
    """The part of exports."""

    async def forget(statement: Any, part: ErasedPart, **asked: Any) -> Counts:
        async with transaction(engine) as connection:
            gone = await connection.execute(statement, {"org": part.org_id, **asked})
        return {log_exports.name: gone.rowcount}

    async def of_items(part: ErasedPart) -> Counts:
        return await forget(_ABOUT, part, keys=part.keys)

    async def of_user(part: ErasedPart) -> Counts:
        return await forget(_NAMING, part, id=part.user.id.encode())

    return Eraser(name="exports", of_items=of_items, of_user=of_user)
