"""Second reviews: a sampled decision is made again by another person, blind and without effect.

    decided ──sampled──▶ PENDING ──claim──▶ leased ──answer──▶ ANSWERED
                           ▲                  │
                           └─release, skip────┘        undone, retired ──▶ WITHDRAWN

Guarantees: asked for in the transaction of the first decision (`follower`); one live lease a
review, by the database's clock, each step one conditional UPDATE; nobody gets what they decided or
skipped themselves; what is handed out says nothing of the first decision, nor whether it is a
golden item; an answer changes nothing but this table, and the same answer sent again is answered
alike; what is undone is withdrawn, answered or not. A child-safety review needs its permission, and
each look leaves an audit row.
Must not: publish anything, or touch the job.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

import msgspec
from msgspec.structs import replace
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import Queue
from coop_contracts.permission import Permission
from coop_queues import store
from coop_queues.job import Job, JobSummary
from coop_review_api.kernel import audit
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import Conflict, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.quality import golden
from coop_review_api.quality.category import categories_of
from coop_review_api.quality.sight import harmless, seen_of
from coop_review_api.quality.table import second_reviews
from coop_review_api.review import child_safety
from coop_review_api.review.desk import visible_queues
from coop_runtime.database.engine import transaction

Chance = Callable[[], float]

_chance: Chance = random.SystemRandom().random  # nobody can foresee which one is golden


@dataclass(frozen=True, kw_only=True)
class ClaimedReview:
    """A review held until `expires_at`, with its job."""

    second_review_id: str
    job: Job
    lease_token: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class HeldReview:
    """A review under its lease. `row` is the table's."""

    row: Any
    job: Job


_FREE = """r.state = 'PENDING' AND r.available_at <= clock_timestamp()
           AND (r.lease_expires_at IS NULL OR r.lease_expires_at <= clock_timestamp())"""
_MINE = f"r.org_id = :org AND {seen_of('r')} AND NOT (:reviewer = ANY (r.not_for))"
_WAITS = text(
    f"""
    SELECT r.second_review_id, r.queue_id FROM review.second_reviews r
     WHERE {_MINE} AND r.queue_id = ANY (:queues) AND r.golden_id IS NULL AND {_FREE}
     ORDER BY r.created_at, r.second_review_id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
    """  # noqa: S608 - constants only; values are bound
)
_COUNTS = text(
    f"""
    SELECT r.queue_id, count(*) AS waiting FROM review.second_reviews r
     WHERE {_MINE} AND r.queue_id = ANY (:queues) AND r.golden_id IS NULL AND {_FREE}
     GROUP BY r.queue_id
    """  # noqa: S608
)
_TAKE = text(
    """
    UPDATE review.second_reviews
       SET lease_token = :token, lease_holder = :reviewer, claimed_at = clock_timestamp(),
           lease_expires_at = clock_timestamp() + make_interval(secs => :seconds)
     WHERE second_review_id = :id
    RETURNING second_review_id, job_id, csam, lease_expires_at
    """
)
_HELD = """r.org_id = :org AND r.second_review_id = :id AND r.state = 'PENDING'
           AND r.lease_token = :token AND r.lease_holder = :reviewer
           AND r.lease_expires_at > clock_timestamp()"""
_LOOK = text(f"SELECT r.* FROM review.second_reviews r WHERE {_HELD}")  # noqa: S608
_IN_HAND = text(
    """
    SELECT r.job_id, r.queue_id, r.csam FROM review.second_reviews r
     WHERE r.org_id = :org AND r.second_review_id = :id AND r.state = 'PENDING'
       AND r.lease_holder = :reviewer AND r.lease_expires_at > clock_timestamp()
    """
)
_RELEASE_ALL = text(
    """
    WITH held AS (
        SELECT r.second_review_id, r.lease_expires_at > clock_timestamp() AS is_live
          FROM review.second_reviews r
         WHERE r.org_id = :org AND r.state = 'PENDING' AND r.lease_holder = :reviewer
         ORDER BY r.second_review_id FOR NO KEY UPDATE
    )
    UPDATE review.second_reviews r
       SET lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL, claimed_at = NULL
      FROM held WHERE r.second_review_id = held.second_review_id
    RETURNING held.is_live
    """
)
_EXTEND = text(
    f"""
    UPDATE review.second_reviews r
       SET lease_expires_at = clock_timestamp() + make_interval(secs => :seconds)
     WHERE {_HELD} RETURNING r.lease_expires_at
    """  # noqa: S608
)
_GIVE_BACK = text(
    f"""
    UPDATE review.second_reviews r
       SET lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL, claimed_at = NULL,
           not_for = CASE WHEN :skip THEN r.not_for || CAST(:reviewer AS text) ELSE r.not_for END,
           state = CASE WHEN :skip AND r.golden_id IS NOT NULL THEN 'WITHDRAWN' ELSE r.state END
     WHERE {_HELD} RETURNING r.second_review_id
    """  # noqa: S608
)
_ANSWER = text(
    f"""
    UPDATE review.second_reviews r
       SET state = 'ANSWERED', answered_by = r.lease_holder, answered_at = :now,
           components = CAST(:components AS jsonb), answer = CAST(:answer AS jsonb),
           reason = :reason, note = :note, request_hash = :hash,
           lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL
     WHERE {_HELD} RETURNING r.second_review_id
    """  # noqa: S608
)


async def counts(engine: AsyncEngine, principal: Principal) -> dict[str, int]:
    """How many second reviews wait for this person, by queue."""
    async with transaction(engine) as connection:
        queues = await _open_queues(connection, principal, None)
        scope = {**_scope(principal), "queues": list(queues)}
        rows = (await connection.execute(_COUNTS, scope)).all()
    return dict.fromkeys(queues, 0) | {row.queue_id: row.waiting for row in rows}


async def claim(
    engine: AsyncEngine,
    principal: Principal,
    *,
    queue_id: str | None,
    seconds: float,
    clock: Clock,
    chance: Chance = _chance,
) -> ClaimedReview | None:
    """Leases the oldest second review that waits for this person, or, by the queue's golden share,
    a golden item in its place; None when none waits. Raises `NotFound` for a closed queue."""
    async with transaction(engine) as connection:
        queues = await _open_queues(connection, principal, queue_id)
        scope = _scope(principal)
        head = (await connection.execute(_WAITS, {**scope, "queues": list(queues)})).one_or_none()
        if head is None:
            return None
        chosen = head.second_review_id
        # Only in the place of one that waits: what comes when nothing does would give itself away.
        if chance() < queues[head.queue_id].golden_share:
            instead = await golden.take(
                connection,
                principal.org_id,
                head.queue_id,
                reviewer_id=principal.user_id,
                csam=scope["csam"],
            )
            chosen = instead or chosen
        token = store.new_token()
        values = {**scope, "id": chosen, "token": token, "seconds": seconds}
        row = (await connection.execute(_TAKE, values)).one()
        job = await store.get_job(connection, principal.org_id, row.job_id)
        if row.csam or job.summary.csam:
            await _record_view(connection, principal, chosen, clock())
        job = await child_safety.cleared(connection, principal, job, now=clock())
    return ClaimedReview(
        second_review_id=chosen, job=job, lease_token=token, expires_at=row.lease_expires_at
    )


async def extend(
    engine: AsyncEngine, principal: Principal, review_id: str, token: str, *, seconds: float
) -> datetime:
    """The lease's new end. Raises `NotFound`, `Conflict`."""
    values = {**_scope(principal), "id": review_id, "token": token, "seconds": seconds}
    async with transaction(engine) as connection:
        found: datetime | None = await connection.scalar(_EXTEND, values)
        if found is None:
            await _refuse(connection, principal, review_id)
    return found


async def give_back(
    engine: AsyncEngine, principal: Principal, review_id: str, token: str, *, skip: bool
) -> None:
    """Leave the review to others; with `skip` it never comes to this person again.

    Raises `NotFound`, `Conflict`.
    """
    values = {**_scope(principal), "id": review_id, "token": token, "skip": skip}
    async with transaction(engine) as connection:
        if await connection.scalar(_GIVE_BACK, values) is None:
            await _refuse(connection, principal, review_id)


async def step_away(connection: AsyncConnection, principal: Principal) -> int:
    """Gives everything back that this person holds: each has its old turn again, and a golden item
    is theirs again. How many leases were live."""
    ended = await connection.scalars(_RELEASE_ALL, _scope(principal))
    return sum(ended)


async def held(
    connection: AsyncConnection, principal: Principal, review_id: str, token: str
) -> HeldReview:
    """The review under the live lease, with its job. Raises `NotFound`, `Conflict`."""
    values = {**_scope(principal), "id": review_id, "token": token}
    row = (await connection.execute(_LOOK, values)).one_or_none()
    if row is None:
        await _refuse(connection, principal, review_id)
    job = await store.get_job(connection, principal.org_id, row.job_id)
    if (row.csam or job.summary.csam) and not values["csam"]:
        await _refuse(connection, principal, review_id)
    return HeldReview(row=row, job=job)


async def job_held_by(
    connection: AsyncConnection, principal: Principal, review_id: str
) -> JobSummary:
    """The job of a review that this person holds now, in a queue that is still open to them;
    `csam` where it is, or was when it was sampled. Raises `NotFound`."""
    row = (await connection.execute(_IN_HAND, {**_scope(principal), "id": review_id})).one_or_none()
    if row is None or row.queue_id not in await visible_queues(connection, principal):
        raise NotFound(f"no second review {review_id:.60}")
    summary = await store.get_summary(connection, principal.org_id, row.job_id)
    return replace(summary, csam=summary.csam or row.csam)


async def repeated(
    connection: AsyncConnection, principal: Principal, review_id: str, request_hash: bytes
) -> datetime | None:
    """When this person gave this very answer; None when it was not answered by them so."""
    found: datetime | None = await connection.scalar(
        select(second_reviews.c.answered_at).where(
            second_reviews.c.org_id == principal.org_id,
            second_reviews.c.second_review_id == review_id,
            second_reviews.c.answered_by == principal.user_id,
            second_reviews.c.request_hash == request_hash,
        )
    )
    return found


async def answer(
    connection: AsyncConnection,
    principal: Principal,
    review_id: str,
    token: str,
    *,
    components: Sequence[Any],
    reason: str | None,
    note: str | None,
    request_hash: bytes,
    now: datetime,
) -> None:
    """Records the answer under the lease. Raises `NotFound`, `Conflict`."""
    values = {
        **_scope(principal),
        "id": review_id,
        "token": token,
        "components": msgspec.json.encode(components).decode(),
        "answer": msgspec.json.encode(categories_of(components)).decode(),
        "reason": reason,
        "note": note,
        "hash": request_hash,
        "now": now,
    }
    if await connection.scalar(_ANSWER, values) is None:
        await _refuse(connection, principal, review_id)


def _scope(principal: Principal) -> dict[str, Any]:
    return {
        "org": principal.org_id,
        "reviewer": principal.user_id,
        "csam": principal.may(Permission.VIEW_CHILD_SAFETY_DATA),
    }


async def _open_queues(
    connection: AsyncConnection, principal: Principal, queue_id: str | None
) -> dict[str, Queue]:
    queues = await visible_queues(connection, principal)
    if queue_id is not None and queue_id not in queues:
        raise NotFound(f"no queue {queue_id:.60}")
    return {
        queue.id: queue
        for queue in queues.values()
        if queue_id in (None, queue.id) and not queue.is_paused
    }


async def _refuse(connection: AsyncConnection, principal: Principal, review_id: str) -> NoReturn:
    """Says why a step was refused: not there, or not held under this token."""
    found = await connection.scalar(
        select(second_reviews.c.second_review_id).where(
            second_reviews.c.org_id == principal.org_id,
            second_reviews.c.second_review_id == review_id,
            harmless(second_reviews) | principal.may(Permission.VIEW_CHILD_SAFETY_DATA),
        )
    )
    if found is None:
        raise NotFound(f"no second review {review_id:.60}")
    raise Conflict("you do not hold this second review: claim again")


async def _record_view(
    connection: AsyncConnection, principal: Principal, review_id: str, now: datetime
) -> None:
    await audit.record(
        connection,
        org_id=principal.org_id,
        actor=principal.user_id,
        action="child-safety.viewed",
        target=("second-review", review_id),
        time=now,
    )
