"""Answering a second review: judged as a decision is, recorded, without effect.

Guarantees: an answer obeys the organisation's rules for decisions as they are now (policies,
reasons, parameters, what a queue hides), so that the two can be compared; the same answer sent
again, after a lost reply, gets the same reply.
Must not: publish, close or change anything but the review.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.kernel.access import may_see
from coop_review_api.kernel.error import Fault, Invalid, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.quality import second_review
from coop_review_api.review import rulebook
from coop_review_api.review.decision import Decision, Draft, Reviewer, hash_of
from coop_review_api.review.desk import Desk
from coop_review_api.review.judgement import decide
from coop_review_api.review.origin import require_other
from coop_runtime.database.engine import transaction


@dataclass(frozen=True, kw_only=True)
class _Submission:
    """What somebody answers to one second review, under which lease."""

    review_id: str
    draft: Draft
    lease_token: str


async def submit(
    desk: Desk, principal: Principal, review_id: str, *, draft: Draft, lease_token: str
) -> datetime:
    """Records the answer; when it was given.

    Raises `Invalid`, `NotFound`, `Conflict`, `Forbidden` (of an appeal against what one decided).
    """
    request_hash = hash_of(draft, reviewer_id=principal.user_id)
    submission = _Submission(review_id=review_id, draft=draft, lease_token=lease_token)
    async with transaction(desk.engine) as connection:
        before = await second_review.repeated(connection, principal, review_id, request_hash)
        if before is not None:
            return before
        now = desk.clock()
        decision = await _judged(connection, desk, principal, submission, now=now)
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
    desk: Desk,
    principal: Principal,
    submission: _Submission,
    *,
    now: datetime,
) -> Decision:
    """What the draft would be as a decision on the job; its effects are for nobody."""
    review_id, draft = submission.review_id, submission.draft
    held = await second_review.held(connection, principal, review_id, submission.lease_token)
    if draft.has("MOVE"):
        raise Invalid([Fault("/components", "a second review is not moved: skip it")])
    origins = await desk.origins.of(connection, held.job)
    rules = await rulebook.load(connection, held.job, draft, origins=origins)
    if not may_see(principal, held.job.summary, rules.queue):
        raise NotFound(f"no second review {review_id:.60}")
    require_other(rules.origins, principal.user_id)
    return decide(
        draft,
        job=held.job,
        rulebook=rules,
        reviewer=Reviewer(user_id=principal.user_id, email=principal.email),
        now=now,
    )
