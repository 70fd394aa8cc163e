"""Jobs and items that somebody is still to judge: they are not emptied before."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Text, cast, select, union, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues.reading import jobs
from coop_review_api.quality.table import golden_items, second_reviews


async def needed_jobs(connection: AsyncConnection, org_id: str, job_ids: Sequence[str]) -> set[str]:
    """Those of golden items that are handed out, and of second reviews that wait."""
    golden = select(golden_items.c.job_id).where(
        golden_items.c.org_id == org_id,
        golden_items.c.job_id.in_(job_ids),
        golden_items.c.retired_at.is_(None),
    )
    second = select(second_reviews.c.job_id).where(
        second_reviews.c.org_id == org_id,
        second_reviews.c.job_id.in_(job_ids),
        second_reviews.c.state == "PENDING",
    )
    return set(await connection.scalars(union_all(golden, second)))


async def needed_items(
    connection: AsyncConnection, org_id: str, keys: Sequence[str]
) -> frozenset[str]:
    """Those of these items of which a job is needed so."""
    if not keys:
        return frozenset()
    golden = select(golden_items.c.job_id).where(
        golden_items.c.org_id == org_id, golden_items.c.retired_at.is_(None)
    )
    second = select(second_reviews.c.job_id).where(
        second_reviews.c.org_id == org_id, second_reviews.c.state == "PENDING"
    )
    found = await connection.scalars(
        select(jobs.c.item_key).where(
            jobs.c.org_id == org_id,
            jobs.c.item_key.in_(set(keys)),
            cast(jobs.c.job_id, Text).in_(union(golden, second)),
        )
    )
    return frozenset(map(str, found))
