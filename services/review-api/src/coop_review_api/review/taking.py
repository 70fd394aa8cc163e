"""Claims beside the turn of a queue: a job by its id, the next one with a decision, an undone one;
and stepping away from everything.

Guarantees: a job that one may not see does not exist; of two who want a job one has it, and the
other is told who and until when; nobody takes an appeal against their own decision; a decision that
was sent again is answered with the job that the first answer had, while it is held.
Must not: decide, or make a decision fail because there is nothing to go on with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.permission import Permission
from coop_queues import store
from coop_queues.error import AlreadyClosed, HeldByOther, TooManyClaims
from coop_queues.job import Claim, JobKind, JobState, OrderChange, Reopened
from coop_review_api.directory import person
from coop_review_api.kernel.access import may_see, refuse_removed
from coop_review_api.kernel.error import Forbidden, Held, NotFound, QueuePaused, Unavailable
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import desk as desks
from coop_review_api.review.desk import Desk, HandedOut, hand_out
from coop_review_api.review.origin import require_other
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable

NextRefusal = Literal["queue-paused", "too-many-claims", "not-found", "unavailable"]


@dataclass(frozen=True, kw_only=True)
class Following:
    """The job that follows a decision; none where nothing waits, or why it is refused."""

    handed_out: HandedOut | None = None
    refused: NextRefusal | None = None


async def claim_job(desk: Desk, principal: Principal, job_id: str) -> HandedOut:
    """Lease that job; what this person holds already is theirs again.

    Raises JobNotFound, AlreadyClosed, `Held`, `QueuePaused`, `Forbidden` (an appeal against a
    decision of theirs), TooManyClaims.
    """
    async with transaction(desk.engine) as connection:
        summary = await store.get_summary(connection, principal.org_id, job_id)
        queue = await desks.queue_of(connection, summary)
        refuse_removed(summary, queue)
        await desks.require_visible(connection, principal, summary)
        if summary.state is JobState.CLOSED:
            raise AlreadyClosed("this job was decided already")
        if summary.kind is JobKind.APPEAL:
            job = await store.load_job(connection, summary)
            require_other(await desk.origins.of(connection, job), principal.user_id)
    if queue is not None and queue.is_paused and summary.lease_holder != principal.user_id:
        raise QueuePaused("the queue is paused: jobs come in and none is handed out")
    try:
        claimed = await desk.claims.claim_job(
            principal.org_id,
            job_id,
            principal.user_id,
            lease_seconds=desk.lease,
            at_most=desk.at_most,
            child_safety=principal.may(Permission.VIEW_CHILD_SAFETY_DATA),
        )
    except HeldByOther as held:
        raise await held_by(desk, principal, held) from held
    deletions, budget = desk.deletions, desk.closing.budget()
    if deletions and queue and await deletions.close(claimed, queue, budget):
        raise AlreadyClosed("its item was deleted, and the job closed")
    handed_out = await hand_out(desk, principal, claimed)
    if handed_out is None:
        raise Forbidden("this appeal is against a decision of yours")
    return handed_out


async def held_by(desk: Desk, principal: Principal, held: HeldByOther) -> Held:
    """The refusal, with who has the job."""
    ids = [] if held.holder is None else [held.holder]
    async with transaction(desk.engine) as connection:
        found = await person.known_as(connection, principal.org_id, ids)
    by = next(((one.user_id, one.name, one.status) for one in found), None)
    return Held(by=by, expires_at=held.expires_at)


async def following(
    desk: Desk, principal: Principal, decided: str, queue_ids: Sequence[str] | None
) -> Following:
    """The next job of these queues, or of all that are open to this person, now that the job
    `decided` is."""
    try:
        async with transaction(desk.engine) as connection:
            earlier = await store.held_since(
                connection, principal.org_id, decided, principal.user_id
            )
            held = None if earlier is None else await store.continued(connection, earlier)
        if held is not None:
            return Following(handed_out=await hand_out(desk, principal, held))
        return Following(handed_out=await desks.claim(desk, principal, queue_ids))
    except QueuePaused:
        return Following(refused="queue-paused")
    except TooManyClaims:
        return Following(refused="too-many-claims")
    except NotFound:
        return Following(refused="not-found")
    except (Unavailable, Retryable):
        return Following(refused="unavailable")


async def take_undone(
    connection: AsyncConnection, desk: Desk, principal: Principal, reopened: Reopened
) -> tuple[Claim, OrderChange] | None:
    """The job that goes on after an undoing, for who undid it, in that transaction: nobody else is
    given it before. One more than a person may hold else. None when somebody holds the job that it
    joined, or it is not open to this person."""
    summary = await store.get_summary(connection, principal.org_id, reopened.job_id)
    if not may_see(principal, summary, await desks.queue_of(connection, summary)):
        return None
    try:
        return await store.lease_job(
            connection,
            principal.org_id,
            reopened.job_id,
            principal.user_id,
            lease_seconds=desk.lease,
            at_most=desk.at_most + 1,
            child_safety=principal.may(Permission.VIEW_CHILD_SAFETY_DATA),
        )
    except (HeldByOther, TooManyClaims):
        return None


async def step_away(desk: Desk, principal: Principal) -> int:
    """Give everything back that this person holds, second reviews too; how much it was. Drafts
    stay, nothing is hidden from them."""
    async with transaction(desk.engine) as connection:
        freed = await store.release_all(connection, principal.org_id, principal.user_id)
        others = [await one.stepped_away(connection, principal) for one in desk.followers]
    await desk.order.apply(change for one in freed for change in one.changes)
    return len(freed) + sum(others)
