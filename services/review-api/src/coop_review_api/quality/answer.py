"""Answering a second review: judged as a decision is, recorded, without effect.

Guarantees: an answer obeys the organisation's rules for decisions as they are now (policies,
reasons, parameters, what a queue hides), so that the two can be compared; the same answer sent
again, after a lost reply, gets the same reply.
Must not: publish, close or change anything but the review.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_review_api.kernel.access import may_see
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import Fault, Invalid, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.quality import second_review
from coop_review_api.review import origin as appeal
from coop_review_api.review import rulebook
from coop_review_api.review.decision import Decision, Draft, Reviewer, hash_of
from coop_review_api.review.judgement import decide
from coop_runtime.database.engine import transaction


async def submit(
    engine: AsyncEngine,
    principal: Principal,
    review_id: str,
    draft: Draft,
    *,
    lease_token: str,
    clock: Clock,
) -> datetime:
    """Records the answer; when it was given.

    Raises `Invalid`, `NotFound`, `Conflict`, `Forbidden` (of an appeal against what one decided).
    """
    request_hash = hash_of(draft, reviewer_id=principal.user_id)
    async with transaction(engine) as connection:
        before = await second_review.repeated(connection, principal, review_id, request_hash)
        if before is not None:
            return before
        now = clock()
        decision = await _judged(connection, principal, review_id, draft, lease_token, now)
        await second_review.answer(
            connection,
            principal,
            review_id,
            lease_token,
            components=decision.components,
            reason=draft.reason,
            note=draft.note,
            request_hash=request_hash,
            now=now,
        )
    return now


async def _judged(
    connection: AsyncConnection,
    principal: Principal,
    review_id: str,
    draft: Draft,
    lease_token: str,
    now: datetime,
) -> Decision:
    """What the draft would be as a decision on the job; its effects are for nobody."""
    held = await second_review.held(connection, principal, review_id, lease_token)
    if draft.has("MOVE"):
        raise Invalid([Fault("/components", "a second review is not moved: skip it")])
    rules = await rulebook.load(connection, held.job, draft)
    if not may_see(principal, held.job.summary, rules.queue):
        raise NotFound(f"no second review {review_id:.60}")
    appeal.require_other(rules.origins, principal.user_id)
    return decide(
        draft,
        job=held.job,
        rulebook=rules,
        reviewer=Reviewer(user_id=principal.user_id, email=principal.email),
        now=now,
    )
