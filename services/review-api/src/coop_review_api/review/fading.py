"""What people wrote into decisions, when it is no longer kept; the decisions stay."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues.reading import item_key, jobs
from coop_review_api.configuration.fading import Fades, Fading, Spares
from coop_review_api.review.table import decisions


def fading(spares: Spares) -> tuple[Fades, ...]:
    """Reasons and notes."""
    return (
        Fading(
            table=decisions,
            column=decisions.c.decided_at,
            key=lambda row: item_key(row.item_type_id, row.item_id),
            spares=spares,
            only=decisions.c.reason.is_not(None) | decisions.c.note.is_not(None),
            values={"reason": None, "note": None},
        ),
    )


async def items_in_hand(
    connection: AsyncConnection, org_id: str, keys: Sequence[str]
) -> frozenset[str]:
    """Those of these items that a pending job is about, or whose user one is about: whoever decides
    it reads what was said of them."""
    if not keys:
        return frozenset()
    wanted = set(keys)
    found = await connection.execute(
        select(jobs.c.item_key, jobs.c.subject_key).where(
            jobs.c.org_id == org_id,
            jobs.c.state == "PENDING",
            or_(jobs.c.item_key.in_(wanted), jobs.c.subject_key.in_(wanted)),
        )
    )
    return frozenset(str(key) for row in found for key in row if key is not None) & wanted
