"""Comments that were written elsewhere, before the organisation came here.

Guarantees: they stand among the others in the order in which they were written; kept once; nobody
is told of them.
Must not: be used for what somebody writes here.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues.reading import jobs
from coop_review_api.comment.store import MAX_BODY
from coop_review_api.comment.table import comments


@dataclass(frozen=True, kw_only=True)
class PastComment:
    """`past_id` is what it had as its id; `job_id` the job here that it was written on."""

    past_id: str
    job_id: str
    author_id: str
    body: str
    created_at: datetime


async def keep_comments(
    connection: AsyncConnection, org_id: str, past: Sequence[PastComment]
) -> set[str]:
    """Keep them, in the caller's transaction; the `past_id` of those that were not here. One that
    is longer than a comment may be becomes several."""
    keys = await _item_keys(connection, org_id, {one.job_id for one in past})
    rows = [row for one in past if one.job_id in keys for row in _rows(org_id, one, keys)]
    if not rows:
        return set()
    of = {row["comment_id"]: row.pop("past_id") for row in rows}
    kept = await connection.scalars(
        insert(comments).values(rows).on_conflict_do_nothing().returning(comments.c.comment_id)
    )
    return {of[comment_id] for comment_id in kept}


async def _item_keys(connection: AsyncConnection, org_id: str, job_ids: set[str]) -> dict[str, str]:
    query = select(jobs.c.job_id, jobs.c.item_key).where(
        jobs.c.org_id == org_id, jobs.c.job_id.in_(job_ids)
    )
    return {str(row.job_id): str(row.item_key) for row in await connection.execute(query)}


def _rows(org_id: str, one: PastComment, keys: dict[str, str]) -> Iterator[dict[str, Any]]:
    for number, start in enumerate(range(0, max(len(one.body), 1), MAX_BODY)):
        yield {
            "past_id": one.past_id,
            "comment_id": _comment_id(org_id, one, number),
            "org_id": org_id,
            "item_key": keys[one.job_id],
            "job_id": one.job_id,
            "author_id": one.author_id,
            "body": one.body[start : start + MAX_BODY],
            "mentions": [],
            "created_at": one.created_at,
        }


def _comment_id(org_id: str, one: PastComment, number: int) -> str:
    """A UUID of version 7 (RFC 9562) of that time: its last bits are a hash instead of random ones,
    and before them the part's number."""
    milliseconds = max(int(one.created_at.timestamp() * 1000), 0)
    digest = hashlib.sha256(f"{org_id}\x00{one.past_id}".encode()).digest()
    random = int.from_bytes(digest[:8], "big") & ((1 << 62) - 1)
    value = (milliseconds & ((1 << 48) - 1)) << 80 | 7 << 76 | (number & 0xFFF) << 64
    return str(uuid.UUID(int=value | 2 << 62 | random))
