"""Making a decision: judged, recorded, closed and announced in one transaction.

    lease token ─▶ job and rules as they are now ─▶ `judgement.decide` ─▶ job closed (or moved)
                ─▶ row in `decisions` ─▶ events in the outbox, or held for the undo window, actions
                                         withheld for evidence
                ─▶ followers (automations, second reviews) ─▶ COMMIT ─▶ Redis is told

Guarantees: decision, close and events happen together or not at all; a job is decided once (unique
job id); the same request again, after a lost answer, gets the same answer; without the live lease
nothing happens.
Must not: send anything itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import (
    ActionRequested,
    CybertipRequested,
    DecisionMade,
    Event,
    ItemRef,
)
from coop_contracts.ids import item_key
from coop_queues import store
from coop_queues.error import AlreadyClosed, JobNotFound, LeaseLost
from coop_queues.job import Job, OrderChange
from coop_review_api.kernel import metric
from coop_review_api.kernel.access import may_see, refuse_removed
from coop_review_api.kernel.error import AlreadyDecided
from coop_review_api.kernel.principal import Principal
from coop_review_api.kernel.schema import outbox
from coop_review_api.review import child_safety, rulebook
from coop_review_api.review.decision import (
    Component,
    Decision,
    Draft,
    Reviewer,
    Rulebook,
    hash_of,
)
from coop_review_api.review.desk import Desk
from coop_review_api.review.follower import ReviewedDecision
from coop_review_api.review.hold import hold
from coop_review_api.review.judgement import decide
from coop_review_api.review.origin import require_other
from coop_review_api.review.ranking import load_ranking
from coop_review_api.review.recorded import RecordedDecision, recorded_of, row_of
from coop_review_api.review.table import decisions
from coop_review_api.review.user_media import submissions_of
from coop_review_api.review.withholding import withhold
from coop_runtime.database.engine import transaction
from coop_runtime.database.outbox import append
from coop_runtime.kafka.message import Message, message_of

DECIDED: Final = "DECIDED"


@dataclass(frozen=True, kw_only=True)
class _Submission:
    """What a reviewer submits on one job: `request_hash` is equal when it is sent again."""

    job_id: str
    draft: Draft
    lease_token: str
    request_hash: bytes


async def submit(
    desk: Desk, principal: Principal, job_id: str, *, draft: Draft, lease_token: str
) -> RecordedDecision:
    """Decide the job. Raises `Invalid`, `Conflict`, JobNotFound, LeaseLost, AlreadyClosed."""
    submission = _Submission(
        job_id=job_id,
        draft=draft,
        lease_token=lease_token,
        request_hash=hash_of(draft, reviewer_id=principal.user_id),
    )
    try:
        async with transaction(desk.engine) as connection:
            recorded = await _repeated(connection, principal, submission)
            changes: Sequence[OrderChange] = ()
            if recorded is None:
                recorded, changes = await _decide(connection, desk, principal, submission)
    except AlreadyClosed:
        # Perhaps by this very request, sent twice at once.
        async with transaction(desk.engine) as connection:
            recorded = await _repeated(connection, principal, submission)
        if recorded is None:
            raise
        return recorded
    if changes:
        await desk.order.apply(changes)
        for component in recorded.components:
            metric.DECISIONS.labels(component.type).inc()
    return recorded


async def repeated(desk: Desk, principal: Principal, job_id: str, draft: Draft) -> str | None:
    """The id of this person's decision of the job, where it is this one."""
    submission = _Submission(
        job_id=job_id,
        draft=draft,
        lease_token="",
        request_hash=hash_of(draft, reviewer_id=principal.user_id),
    )
    try:
        async with transaction(desk.engine) as connection:
            recorded = await _repeated(connection, principal, submission)
    except AlreadyDecided:
        return None
    return None if recorded is None else recorded.decision_id


async def _repeated(
    connection: AsyncConnection, principal: Principal, submission: _Submission
) -> RecordedDecision | None:
    row = (
        await connection.execute(
            select(decisions).where(
                decisions.c.org_id == principal.org_id, decisions.c.job_id == submission.job_id
            )
        )
    ).one_or_none()
    if row is None:
        return None
    if row.request_hash != submission.request_hash:
        raise AlreadyDecided
    return recorded_of(row)


async def _decide(
    connection: AsyncConnection, desk: Desk, principal: Principal, submission: _Submission
) -> tuple[RecordedDecision, Sequence[OrderChange]]:
    draft, now = submission.draft, desk.clock()
    job = await store.get_job(connection, principal.org_id, submission.job_id)
    origins = await desk.origins.of(connection, job)
    rules = await rulebook.load(connection, job, draft, origins=origins)
    if draft.has("SUBMIT_NCMEC_REPORT"):
        finder = await desk.finder.on(connection, principal.org_id)
        rules = replace(
            rules,
            files_real=desk.files_real,
            seen=await desk.seen.of(connection, principal, submission.job_id),
            submissions=await submissions_of(finder, job),
        )
    _require_open(principal, job, rules)
    decision = decide(
        draft,
        job=job,
        rulebook=rules,
        reviewer=Reviewer(user_id=principal.user_id, email=principal.email),
        now=now,
    )
    moved_to, changes = await _close(connection, principal, submission)
    # A move has taken effect by now; there is nothing to hold back.
    window = 0.0 if moved_to else rules.settings.undo_window
    leaves_at = now + timedelta(seconds=window) if window > 0 else None
    recorded = await _record(
        connection,
        decision,
        draft,
        job=job,
        request_hash=submission.request_hash,
        moved_to=moved_to,
        leaves_at=leaves_at,
        evidence_wait=desk.evidence_wait,
    )
    reviewed = ReviewedDecision(
        made=decision.made,
        components=decision.components,
        job=job,
        queue=rules.queue,
        leaves_at=leaves_at,
        moved_to=moved_to,
    )
    for follower in desk.followers:
        await follower.decided(connection, reviewed)
    return recorded, changes


def _require_open(principal: Principal, job: Job, rules: Rulebook) -> None:
    """Raises AlreadyClosed, JobNotFound, LeaseLost, `Forbidden` where it is not this person's to
    decide."""
    refuse_removed(job.summary, rules.queue)
    if not may_see(principal, job.summary, rules.queue):
        raise JobNotFound(f"no job {job.summary.job_id}")
    if job.summary.lease_holder not in (None, principal.user_id):
        raise LeaseLost("somebody else holds this job")
    require_other(rules.origins, principal.user_id)


async def record_automatic(
    connection: AsyncConnection,
    job: Job,
    components: Sequence[Component],
    *,
    now: datetime,
    by: Reviewer | None = None,
    on_behalf: Reviewer | None = None,
    reason: str | None = None,
) -> RecordedDecision:
    """Record that a job was decided without a review, in the transaction in which the caller closes
    it. Its events leave at once; it cannot be undone.

    `components`: AUTOMATIC_CLOSE or CLOSE with its reason, IGNORE, or CUSTOM_ACTIONs, whose actions
    are requested in the name of `on_behalf`. `by` is the person who did so to the whole queue or
    reporter; without one the queue's settings did. Raises `Invalid` when an action does not fit the
    job's item, `Conflict` when the job was decided.
    """
    draft = Draft(components=tuple(components), reason=reason)
    decision = decide(
        draft,
        job=job,
        # Appeals are never decided without a review.
        rulebook=await rulebook.load(connection, job, draft, origins=()),
        reviewer=by,
        now=now,
        reviewed=False,
        on_behalf=on_behalf,
    )
    request_hash = hash_of(draft, reviewer_id=decision.made.reviewer_id)
    recorded = await _record(
        connection,
        decision,
        draft,
        job=job,
        request_hash=request_hash,
        moved_to=None,
        leaves_at=None,
    )
    for component in components:
        metric.DECISIONS.labels(component.type).inc()
    return recorded


async def _record(
    connection: AsyncConnection,
    decision: Decision,
    draft: Draft,
    *,
    job: Job,
    request_hash: bytes,
    moved_to: str | None,
    leaves_at: datetime | None,
    evidence_wait: float = 0.0,
) -> RecordedDecision:
    """The decision's row, and its events in the outbox or held. With a report to NCMEC actions wait
    for its evidence, `evidence_wait` seconds at most."""
    row = row_of(decision, draft, job, request_hash, moved_to) | {"leaves_at": leaves_at}
    recording = insert(decisions).values(row).on_conflict_do_nothing()
    inserted = await connection.execute(recording.returning(decisions.c.decision_id))
    if inserted.one_or_none() is None:
        raise AlreadyDecided
    withheld = _withheld(decision) if evidence_wait else ()
    messages = _messages([one for one in decision.events if one not in withheld])
    if withheld:
        await withhold(
            connection,
            org_id=decision.made.org_id,
            decision_id=decision.decision_id,
            messages=_messages(withheld),
            wait=timedelta(seconds=evidence_wait),
            left_at=decision.made.time if leaves_at is None else None,
        )
    if leaves_at is None:
        await append(connection, outbox, messages)
        if decision.escalation is not None:
            await child_safety.raise_escalated(connection, job.summary.org_id, job.summary.job_id)
    else:
        await hold(
            connection,
            org_id=decision.made.org_id,
            decision_id=decision.decision_id,
            messages=messages,
            leaves_at=leaves_at,
        )
    return RecordedDecision(
        decision_id=decision.decision_id,
        job_id=job.summary.job_id,
        queue_id=job.summary.queue_id,
        reviewer_id=row["reviewer_id"],
        components=decision.components,
        executions=decision.executions,
        config_revision=decision.made.config_revision,
        decided_at=decision.made.time,
        reason=draft.reason,
        note=draft.note,
        moved_to=moved_to,
        leaves_at=leaves_at,
        appeal_of=decision.made.appeal_of,
        escalation=decision.escalation,
    )


async def _close(
    connection: AsyncConnection, principal: Principal, submission: _Submission
) -> tuple[str | None, Sequence[OrderChange]]:
    org_id, job_id, target = principal.org_id, submission.job_id, submission.draft.target_queue
    if target is None:
        closed = await store.close(
            connection, org_id, job_id, submission.lease_token, by=principal.user_id, reason=DECIDED
        )
        return None, closed.changes
    moved = await store.move(
        connection,
        org_id,
        job_id,
        submission.lease_token,
        to_queue=target,
        by=principal.user_id,
        ranking=await load_ranking(connection, org_id, target),
    )
    return moved.job_id, moved.changes


def _withheld(decision: Decision) -> Sequence[Event]:
    """What waits for the evidence of a report: whatever could remove it."""
    if not any(isinstance(event, CybertipRequested) for event in decision.events):
        return ()
    return [event for event in decision.events if isinstance(event, ActionRequested)]


def _messages(events: Sequence[Event]) -> list[Message]:
    return [message_of(event, key=_key_of(event)) for event in events]


def _key_of(event: Event) -> str:
    if isinstance(event, DecisionMade):
        return f"{event.org_id}/{event.job_id}"
    if isinstance(event, CybertipRequested):
        user = event.user.user
        return item_key(event.org_id, user.type_id, user.id)
    item: ItemRef = event.item  # type: ignore[attr-defined]  # all others are about an item
    return item_key(event.org_id, item.type_id, item.id)
