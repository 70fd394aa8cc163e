"""Who follows decisions: what else a decision sets in motion, and who must not read it yet.

    decided ──▶ every follower, in the decision's transaction
    undone  ──▶ every follower, in the undoing's transaction
    extended ──▶ every follower, in the transaction that holds the decision for longer
    stepped away ──▶ every follower, in the transaction in which jobs are given back

Guarantees: a follower's part happens with the decision or not at all; the decision knows none of
them, `process` hands them in.
Must not: decide anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Queue
from coop_contracts.event import DecisionMade
from coop_queues.job import Job
from coop_review_api.kernel.principal import Principal
from coop_review_api.review.decision import Component


@dataclass(frozen=True, kw_only=True)
class ReviewedDecision:
    """A person's decision on a job, as its followers see it. `queue` is None when it was deleted
    meanwhile; `leaves_at` is when the decision's events leave and it can no longer be undone (None:
    at once); `moved_to` the job that continues a moved one."""

    made: DecisionMade
    components: Sequence[Component]
    job: Job
    queue: Queue | None
    leaves_at: datetime | None
    moved_to: str | None


class Follower(Protocol):
    """Something that a decision sets in motion."""

    async def decided(self, connection: AsyncConnection, decision: ReviewedDecision) -> None:
        """A person decided."""

    async def undone(self, connection: AsyncConnection, decision_id: str, *, now: datetime) -> None:
        """The decision was taken back within its undo window."""

    async def extended(
        self, connection: AsyncConnection, decision_id: str, *, until: datetime
    ) -> None:
        """The decision, which has not left, leaves only then: nothing before."""

    async def hides(self, connection: AsyncConnection, principal: Principal, job_id: str) -> bool:
        """Whether this person must not read just now how the job was decided."""

    async def stepped_away(self, connection: AsyncConnection, principal: Principal) -> int:
        """The person gives back everything that they hold; how much that was here."""
