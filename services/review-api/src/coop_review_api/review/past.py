"""Decisions that were made elsewhere, before the organisation came here: history.

Guarantees: its job is closed with it and its id is the job's; it asks for nothing, so there is
nothing to be undone or taken back; kept once; `came_from` says where it was made.
Must not: publish anything, or be used for a decision that somebody makes here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues import store
from coop_queues.store import PastJob
from coop_review_api.review.table import decisions


async def known_among(
    connection: AsyncConnection, org_id: str, decision_ids: Collection[str]
) -> set[str]:
    """Those of the decisions that are here."""
    query = select(decisions.c.decision_id).where(
        decisions.c.org_id == org_id, decisions.c.decision_id.in_(list(decision_ids))
    )
    return set(await connection.scalars(query))


async def keep_decisions(
    connection: AsyncConnection, past: Sequence[tuple[PastJob, Mapping[str, Any]]]
) -> set[str]:
    """Keep jobs and decisions, in the caller's transaction; the ids of those that were not here.

    A row has the columns of `decisions`. Raises `UnstorableId` before anything is written.
    """
    if not past:
        return set()
    await store.keep_past(connection, [job for job, _ in past])
    kept = await connection.scalars(
        insert(decisions)
        .values([dict(row) for _, row in past])
        .on_conflict_do_nothing()
        .returning(decisions.c.decision_id)
    )
    return set(kept)
