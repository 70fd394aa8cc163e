"""Which decisions are reviewed a second time, and who must not read them meanwhile.

Guarantees: a decision is sampled in its own transaction, by a hash of its job's id; nobody gets the
second review before the decision can no longer be undone; what is undone is withdrawn, answered or
not; who decides again reads nothing of the first decision.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.ids import new_id
from coop_review_api.kernel.principal import Principal
from coop_review_api.quality import second_review
from coop_review_api.quality.category import categories_of, is_sampled
from coop_review_api.quality.table import second_reviews
from coop_review_api.review.follower import ReviewedDecision

_NOT_SAMPLED = frozenset({"MOVE", "CLOSE", "AUTOMATIC_CLOSE"})


class SamplesDecisions:
    """Follows decisions with second reviews."""

    async def decided(self, connection: AsyncConnection, decision: ReviewedDecision) -> None:
        """Asks for a second review, if the decision is among the queue's share. Moves and automatic
        closes are never sampled."""
        made, queue = decision.made, decision.queue
        types = {part.type for part in made.components}
        if made.automatic or types & _NOT_SAMPLED:
            return
        if queue is None or not is_sampled(made.job_id, queue.second_review_share):
            return
        row = {
            "second_review_id": new_id(),
            "org_id": made.org_id,
            "queue_id": made.queue_id,
            "job_id": made.job_id,
            "decision_id": made.decision_id,
            "first_reviewer_id": made.reviewer_id,
            "not_for": [made.reviewer_id],
            # Escalated, the job becomes one of child safety when the decision leaves.
            "csam": decision.job.summary.csam or "ESCALATE_TO_NCMEC" in types,
            "expected": msgspec.to_builtins(categories_of(made.components)),
            "available_at": decision.leaves_at or made.time,
        }
        await connection.execute(insert(second_reviews).values(row).on_conflict_do_nothing())

    async def undone(self, connection: AsyncConnection, decision_id: str, *, now: datetime) -> None:
        """The second review, answered or not, counts no more."""
        del now
        await connection.execute(
            update(second_reviews)
            .where(second_reviews.c.decision_id == decision_id)
            .values(state="WITHDRAWN", lease_token=None, lease_holder=None, lease_expires_at=None)
        )

    async def extended(
        self, connection: AsyncConnection, decision_id: str, *, until: datetime
    ) -> None:
        """Nobody is offered its second review before it leaves."""
        await connection.execute(
            update(second_reviews)
            .where(second_reviews.c.decision_id == decision_id, second_reviews.c.state == "PENDING")
            .values(available_at=until)
        )

    async def hides(self, connection: AsyncConnection, principal: Principal, job_id: str) -> bool:
        """Whether this person decides the job again just now."""
        query = select(second_reviews.c.second_review_id).where(
            second_reviews.c.org_id == principal.org_id,
            second_reviews.c.job_id == job_id,
            second_reviews.c.state == "PENDING",
            second_reviews.c.lease_holder == principal.user_id,
        )
        return (await connection.execute(query.limit(1))).one_or_none() is not None

    async def stepped_away(self, connection: AsyncConnection, principal: Principal) -> int:
        """Their second reviews are free again."""
        return await second_review.step_away(connection, principal)
