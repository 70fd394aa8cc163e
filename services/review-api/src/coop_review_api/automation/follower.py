"""What a decision clears: other reports of what it is about, where the queue wants that.

Guarantees: asked for in the decision's transaction, carried out once the decision has left; what is
undone is cancelled.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.automation import store
from coop_review_api.automation.order import clearing_id, clearings_of
from coop_review_api.kernel.principal import Principal
from coop_review_api.review.follower import ReviewedDecision


class ClearsReports:
    """Follows decisions with automations."""

    async def decided(self, connection: AsyncConnection, decision: ReviewedDecision) -> None:
        """Asks for what the decision clears."""
        made, queue = decision.made, decision.queue
        if queue is None:
            return
        everywhere = queue.clear_reports_scope == "ALL_QUEUES"
        orders = clearings_of(
            decision.components,
            job=decision.job,
            queue=queue,
            reviewer_id=made.reviewer_id,
            now=made.time,
            moved_to=decision.moved_to,
        )
        for order in orders:
            await store.start(
                connection,
                clearing_id(made.org_id, made.decision_id, order.subject),
                made.org_id,
                order,
                now=made.time,
                queue_id=None if everywhere else queue.id,
                cause_id=made.decision_id,
                due_at=decision.leaves_at,
            )

    async def undone(self, connection: AsyncConnection, decision_id: str, *, now: datetime) -> None:
        """What it asked for will not happen."""
        await store.cancel_of(connection, decision_id, now=now)

    async def extended(
        self, connection: AsyncConnection, decision_id: str, *, until: datetime
    ) -> None:
        """What it asked for begins as much later."""
        await store.postpone_of(connection, decision_id, until=until)

    async def hides(self, connection: AsyncConnection, principal: Principal, job_id: str) -> bool:
        """Never."""
        del connection, principal, job_id
        return False

    async def stepped_away(self, connection: AsyncConnection, principal: Principal) -> int:
        """Nobody holds anything here."""
        del connection, principal
        return 0
