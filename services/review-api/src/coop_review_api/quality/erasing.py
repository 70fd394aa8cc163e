"""The erasure of an end user from second reviews and golden items: their jobs are empty, so nobody
is asked any more; what was answered stays as categories."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, Text, and_, case, cast, func, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.expression import literal

from coop_queues import reading
from coop_review_api.kernel.erasing import Counts, ErasedPart, Eraser
from coop_review_api.quality.table import golden_items, second_reviews
from coop_runtime.database.engine import transaction

_NOTHING = literal([], JSONB)


def eraser(engine: AsyncEngine) -> Eraser:
    """The part of quality. Before the jobs are renamed: it finds its rows by them."""

    async def of_items(part: ErasedPart) -> Counts:
        reviews = {
            "reason": None,
            "note": None,
            "components": case(
                (second_reviews.c.components.is_(None), second_reviews.c.components),
                else_=_NOTHING,
            ),
            "state": case(
                (second_reviews.c.state == "PENDING", "WITHDRAWN"), else_=second_reviews.c.state
            ),
            "lease_token": None,
            "lease_holder": None,
            "lease_expires_at": None,
        }
        golden = {
            "note": None,
            "components": _NOTHING,
            "retired_at": func.coalesce(golden_items.c.retired_at, func.now()),
        }
        async with transaction(engine) as connection:
            return {
                table.name: (
                    await connection.execute(
                        update(table).where(_about(table, part)).values(values)
                    )
                ).rowcount
                for table, values in ((second_reviews, reviews), (golden_items, golden))
            }

    return Eraser(name="quality", of_items=of_items)


def _about(table: Table, part: ErasedPart) -> Any:
    jobs = reading.jobs
    about = select(cast(jobs.c.job_id, Text)).where(
        jobs.c.org_id == part.org_id, jobs.c.item_key.in_(part.keys)
    )
    return and_(table.c.org_id == part.org_id, table.c.job_id.in_(about))
