"""Who saw which media of a child-safety job unveiled, and for how long.

Guarantees: newest first; what is told is the log of reveals, as it is.
Must not: say what was seen.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.media.table import media_reveals


class MediumLook(Struct, frozen=True, kw_only=True):
    """One reveal. `seconds`: for so long, as far as is known."""

    reveal_id: str
    user_id: str
    stage: str
    seconds: float
    at: datetime


async def looks_of_job(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[MediumLook]:
    """Up to `limit` reveals in a job of child safety, older than the one at `before` (its time and
    id)."""
    table = media_reveals.c
    wanted = [table.job_id == job_id, table.org_id == org_id, table.is_grave]
    if before is not None:
        wanted.append(tuple_(table.revealed_at, table.reveal_id) < before)
    rows = await connection.execute(
        select(
            table.reveal_id,
            table.user_id,
            table.stage,
            table.seconds,
            table.revealed_at.label("at"),
        )
        .where(*wanted)
        .order_by(table.revealed_at.desc(), table.reveal_id.desc())
        .limit(limit)
    )
    return [MediumLook(**row) for row in rows.mappings()]
