"""One decision on many jobs: each is claimed and decided by itself, and the whole is remembered.

    POST ──▶ the batch and its jobs are rows ──▶ job by job: claimed, decided, its row marked
    the same POST again ──▶ goes on with what has no result: the decisions are there once
    undo ──▶ each decision that has not left yet is taken back

Guarantees: a job is decided once, by whichever try (`deciding.submit` knows a repeat); a job that
somebody else holds, is closed, or may not be decided so is left as it is, with the reason; what is
about child safety is never decided in a batch. Killed anywhere, the same request goes on.
Must not: hold more than one job of the batch at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues import store
from coop_queues.error import AlreadyClosed, JobNotFound, LeaseLost
from coop_review_api.kernel.error import (
    AlreadyDecided,
    Conflict,
    Fault,
    Forbidden,
    Held,
    Invalid,
    NotFound,
)
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import deciding, hold, taking
from coop_review_api.review import desk as desks
from coop_review_api.review.decision import Draft, hash_of
from coop_review_api.review.desk import Desk
from coop_review_api.review.table import batch_decisions, batch_jobs
from coop_runtime.database.engine import transaction

MAX_JOBS: Final = 200
State = Literal["WAITING", "DECIDED", "HELD", "CLOSED", "REFUSED", "UNDONE"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one job. `reason` says why it was not decided; `faults` where."""

    job_id: str
    state: State
    decision_id: str | None = None
    reason: str | None = None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A batch, with its jobs in the order in which they were named."""

    batch_id: str
    made_by: str
    made_at: datetime
    undone_at: datetime | None
    outcomes: tuple[Outcome, ...]


async def decide(
    desk: Desk, principal: Principal, batch_id: str, job_ids: Sequence[str], draft: Draft
) -> Batch:
    """Decides the jobs alike, or goes on with a batch that was begun. Raises `Conflict`: that id is
    another batch's."""
    request_hash = hash_of(draft, reviewer_id=principal.user_id)
    async with transaction(desk.engine) as connection:
        await _begin(connection, desk, principal, batch_id, job_ids, request_hash)
    for one in (await find(desk, principal, batch_id)).outcomes:
        if one.state == "WAITING":
            await _mark(desk, batch_id, await _decide(desk, principal, one.job_id, draft))
    return await find(desk, principal, batch_id)


async def _begin(
    connection: AsyncConnection,
    desk: Desk,
    principal: Principal,
    batch_id: str,
    job_ids: Sequence[str],
    request_hash: bytes,
) -> None:
    batch = {
        "batch_id": batch_id,
        "org_id": principal.org_id,
        "made_by": principal.user_id,
        "made_at": desk.clock(),
        "request_hash": request_hash,
    }
    made = await connection.execute(
        insert(batch_decisions)
        .values(batch)
        .on_conflict_do_nothing()
        .returning(batch_decisions.c.batch_id)
    )
    if made.one_or_none() is not None:
        rows = [
            {"batch_id": batch_id, "org_id": principal.org_id, "position": n, "job_id": job_id}
            for n, job_id in enumerate(job_ids)
        ]
        await connection.execute(insert(batch_jobs).values(rows))
        return
    row = (
        await connection.execute(
            select(batch_decisions).where(batch_decisions.c.batch_id == batch_id)
        )
    ).one()
    named = await connection.scalars(
        select(batch_jobs.c.job_id)
        .where(batch_jobs.c.batch_id == batch_id)
        .order_by(batch_jobs.c.position)
    )
    same = (row.org_id, row.made_by, row.request_hash) == (
        principal.org_id,
        principal.user_id,
        request_hash,
    )
    if not same or list(named) != list(job_ids) or row.undone_at is not None:
        raise Conflict("another batch has this id, or it was undone")


async def _decide(desk: Desk, principal: Principal, job_id: str, draft: Draft) -> Outcome:
    """Raises `Unavailable`, Retryable, TooManyClaims: then the batch goes on when it is sent
    again."""
    token = ""
    try:
        token = await _claim(desk, principal, job_id)
        made = await deciding.submit(desk, principal, job_id, draft=draft, lease_token=token)
    except _Grave:
        return Outcome(job_id=job_id, state="REFUSED", reason="child-safety")
    except Held:
        return Outcome(job_id=job_id, state="HELD", reason="held")
    except (AlreadyClosed, AlreadyDecided):
        return await _closed(desk, principal, job_id, draft)
    except Invalid as invalid:
        await _give_back(desk, principal, job_id, token)
        return Outcome(job_id=job_id, state="REFUSED", reason="invalid", faults=invalid.faults)
    except JobNotFound:
        return Outcome(job_id=job_id, state="REFUSED", reason="not-found")
    except Forbidden:
        return Outcome(job_id=job_id, state="REFUSED", reason="forbidden")
    except (Conflict, LeaseLost) as conflict:
        return Outcome(job_id=job_id, state="REFUSED", reason=f"conflict: {conflict}"[:200])
    return Outcome(job_id=job_id, state="DECIDED", decision_id=made.decision_id)


class _Grave(Exception):
    """What is about child safety is decided one by one."""


async def _claim(desk: Desk, principal: Principal, job_id: str) -> str:
    async with transaction(desk.engine) as connection:
        summary = await store.get_summary(connection, principal.org_id, job_id)
        await desks.require_visible(connection, principal, summary)
    if summary.csam:
        raise _Grave
    claim = (await taking.claim_job(desk, principal, job_id)).claim
    if claim.job.summary.csam:
        await _give_back(desk, principal, job_id, claim.lease_token)
        raise _Grave
    return claim.lease_token


async def _give_back(desk: Desk, principal: Principal, job_id: str, token: str) -> None:
    async with transaction(desk.engine) as connection:
        freed = await store.release(connection, principal.org_id, job_id, token)
    await desk.order.apply(freed.changes)


async def _closed(desk: Desk, principal: Principal, job_id: str, draft: Draft) -> Outcome:
    """Perhaps by this very batch, whose mark was lost."""
    found = await deciding.repeated(desk, principal, job_id, draft)
    if found is None:
        return Outcome(job_id=job_id, state="CLOSED", reason="already-closed")
    return Outcome(job_id=job_id, state="DECIDED", decision_id=found)


async def _mark(desk: Desk, batch_id: str, outcome: Outcome) -> None:
    faults = [[fault.pointer, fault.reason] for fault in outcome.faults]
    async with transaction(desk.engine) as connection:
        await connection.execute(
            update(batch_jobs)
            .where(batch_jobs.c.batch_id == batch_id, batch_jobs.c.job_id == outcome.job_id)
            .values(
                state=outcome.state,
                decision_id=outcome.decision_id,
                reason=outcome.reason,
                faults=faults,
            )
        )


async def find(desk: Desk, principal: Principal, batch_id: str) -> Batch:
    """The person's own batch, as far as it is. Raises `NotFound`."""
    async with transaction(desk.engine) as connection:
        row = (
            await connection.execute(
                select(batch_decisions).where(
                    batch_decisions.c.batch_id == batch_id,
                    batch_decisions.c.org_id == principal.org_id,
                    batch_decisions.c.made_by == principal.user_id,
                )
            )
        ).one_or_none()
        if row is None:
            raise NotFound(f"no batch {batch_id:.60}")
        rows = await connection.execute(
            select(batch_jobs)
            .where(batch_jobs.c.batch_id == batch_id)
            .order_by(batch_jobs.c.position)
        )
        outcomes = tuple(
            Outcome(
                job_id=one.job_id,
                state=one.state,
                decision_id=one.decision_id,
                reason=one.reason,
                faults=tuple(Fault(at, why) for at, why in one.faults),
            )
            for one in rows
        )
    return Batch(
        batch_id=row.batch_id,
        made_by=row.made_by,
        made_at=row.made_at,
        undone_at=row.undone_at,
        outcomes=outcomes,
    )


async def undo(desk: Desk, principal: Principal, batch_id: str) -> Batch:
    """Takes back every decision of the batch that has not left; the others say why not. Raises
    `NotFound`."""
    batch = await find(desk, principal, batch_id)
    for one in batch.outcomes:
        if one.state != "DECIDED" or one.decision_id is None:
            continue
        try:
            await hold.undo(desk, principal, one.decision_id)
        except Conflict as gone:
            outcome = replace(one, reason=str(gone))
        else:
            outcome = replace(one, state="UNDONE", reason=None)
        await _mark(desk, batch_id, outcome)
    async with transaction(desk.engine) as connection:
        await connection.execute(
            update(batch_decisions)
            .where(batch_decisions.c.batch_id == batch_id, batch_decisions.c.undone_at.is_(None))
            .values(undone_at=desk.clock())
        )
    return await find(desk, principal, batch_id)
