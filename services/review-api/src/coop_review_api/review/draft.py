"""Keeping drafts, also of a decision that was refused.

Guarantees: a draft is its reviewer's alone; it lasts `LIFETIME` from the last change; a decision
that is refused because the job went out of the hands of who held it (409) is kept before that is
answered, so that nothing has to be entered twice; a decision that is made leaves no draft.
Must not: look into a draft, or make a decision fail.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_queues import store
from coop_queues.error import AlreadyClosed, LeaseLost
from coop_queues.reading import claims, uuid_of
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import Conflict, Fault, Invalid, NotDecided, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.review.decision import Draft
from coop_review_api.review.desk import require_visible
from coop_review_api.review.table import job_drafts
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

LIFETIME: Final = timedelta(days=7)
MAX_BYTES: Final = 65_536
_MOST: Final = 200  # of one reviewer; the oldest go

_log = logger("coop.review_api.draft")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A draft: `content` is whatever the page put there, or a refused decision's components, reason
    and note."""

    job_id: str
    content: dict[str, Any]
    saved_at: datetime
    expires_at: datetime


async def save(
    engine: AsyncEngine,
    principal: Principal,
    job_id: str,
    content: Mapping[str, Any],
    *,
    now: Clock,
) -> Kept:
    """Keeps a draft in place of the last one. Raises JobNotFound, `Invalid` (too large)."""
    encoded = msgspec.json.encode(content)
    if len(encoded) > MAX_BYTES:
        raise Invalid([Fault("/content", f"at most {MAX_BYTES} bytes")])
    async with transaction(engine) as connection:
        await _require_visible(connection, principal, job_id)
        saved_at = now()
        await _write(connection, principal, job_id, encoded, saved_at)
    return Kept(
        job_id=job_id,
        content=dict(content),
        saved_at=saved_at,
        expires_at=saved_at + LIFETIME,
    )


async def find(engine: AsyncEngine, principal: Principal, job_id: str, *, now: Clock) -> Kept:
    """My draft for the job. Raises JobNotFound, `NotFound`."""
    async with transaction(engine) as connection:
        await _require_visible(connection, principal, job_id)
        found = await of_job(connection, principal, job_id, now=now())
    if found is None:
        raise NotFound("no draft of yours for this job")
    return found


async def of_job(
    connection: AsyncConnection, principal: Principal, job_id: str, *, now: datetime
) -> Kept | None:
    """My draft for a job that is open to me, if there is one."""
    row = (
        await connection.execute(
            select(job_drafts).where(*_mine(principal, job_id), job_drafts.c.expires_at > now)
        )
    ).one_or_none()
    if row is None:
        return None
    return Kept(
        job_id=job_id,
        content=msgspec.json.decode(row.content),
        saved_at=row.saved_at,
        expires_at=row.expires_at,
    )


async def discard(engine: AsyncEngine, principal: Principal, job_id: str) -> None:
    """Removes my draft, if there is one. Raises JobNotFound."""
    async with transaction(engine) as connection:
        await _require_visible(connection, principal, job_id)
        await connection.execute(delete(job_drafts).where(*_mine(principal, job_id)))


@asynccontextmanager
async def kept(
    engine: AsyncEngine, principal: Principal, job_id: str, draft: Draft, *, clock: Clock
) -> AsyncIterator[None]:
    """Around a decision: what was entered outlives a refusal, and nothing else.

    LeaseLost, AlreadyClosed and `Conflict` become `NotDecided` once the draft is kept.
    """
    try:
        yield
    except (LeaseLost, AlreadyClosed, Conflict) as refusal:
        if await _keep(engine, principal, job_id, draft, clock()):
            raise NotDecided(refusal) from refusal
        raise
    try:
        async with transaction(engine) as connection:
            await connection.execute(delete(job_drafts).where(*_mine(principal, job_id)))
    except Retryable as error:
        # It was decided; the draft goes when its time is over.
        _log.warning("a draft outlives its decision", error=str(error))


async def keep(
    connection: AsyncConnection, principal: Principal, job_id: str, draft: Draft, now: datetime
) -> bool:
    """Keeps what somebody decided as their draft, in the caller's transaction. False: it is too
    large."""
    content = {"components": draft.components, "reason": draft.reason, "note": draft.note}
    encoded = msgspec.json.encode(content)
    if len(encoded) > MAX_BYTES:
        return False
    await _write(connection, principal, job_id, encoded, now)
    return True


async def _keep(
    engine: AsyncEngine, principal: Principal, job_id: str, draft: Draft, now: datetime
) -> bool:
    """False when it is too large, the database is away, or it is from somebody who never had the
    job: then the refusal alone is the answer."""
    try:
        async with transaction(engine) as connection:
            if not await _held(connection, principal, job_id):
                return False
            return await keep(connection, principal, job_id, draft, now)
    except Retryable as error:
        _log.warning("a refused decision was not kept", error=str(error))
        return False


async def _held(connection: AsyncConnection, principal: Principal, job_id: str) -> bool:
    mine = (
        select(claims.c.job_id)
        .where(
            claims.c.job_id == uuid_of(job_id),
            claims.c.org_id == principal.org_id,
            claims.c.reviewer_id == principal.user_id,
        )
        .limit(1)
    )
    return await connection.scalar(mine) is not None


async def _write(
    connection: AsyncConnection, principal: Principal, job_id: str, content: bytes, now: datetime
) -> None:
    changed = {"content": content, "saved_at": now, "expires_at": now + LIFETIME}
    mine = {
        "job_id": uuid_of(job_id),
        "reviewer_id": principal.user_id,
        "org_id": principal.org_id,
    }
    await connection.execute(
        insert(job_drafts)
        .values(**mine, **changed)
        .on_conflict_do_update(index_elements=["job_id", "reviewer_id"], set_=changed)
    )
    oldest = (
        select(job_drafts.c.job_id)
        .where(job_drafts.c.reviewer_id == principal.user_id)
        .order_by(job_drafts.c.saved_at.desc(), job_drafts.c.job_id)
        .offset(_MOST)
    )
    await connection.execute(
        delete(job_drafts).where(
            job_drafts.c.reviewer_id == principal.user_id, job_drafts.c.job_id.in_(oldest)
        )
    )
    await connection.execute(delete(job_drafts).where(job_drafts.c.expires_at <= now))


def _mine(principal: Principal, job_id: str) -> list[Any]:
    return [
        job_drafts.c.job_id == uuid_of(job_id),
        job_drafts.c.reviewer_id == principal.user_id,
        job_drafts.c.org_id == principal.org_id,
    ]


async def _require_visible(connection: AsyncConnection, principal: Principal, job_id: str) -> None:
    summary = await store.get_summary(connection, principal.org_id, job_id)
    await require_visible(connection, principal, summary)
