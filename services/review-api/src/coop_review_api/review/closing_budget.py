"""How much of its time a claim may spend on closing jobs about what was deleted.

Must not: import what decides; claims are below decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from coop_contracts.config import Queue
from coop_queues.job import Claim


@dataclass(frozen=True, kw_only=True)
class ClosingLimits:
    """Of each claim: jobs that it closes, and seconds for which it asks the platform, all its jobs
    together."""

    jobs: int = 20
    seconds: float = 3.0

    def budget(self) -> ClosingBudget:
        """What a claim starts with."""
        return ClosingBudget(self.jobs, self.seconds)


@dataclass
class ClosingBudget:
    """What is left of the limits in one claim."""

    jobs: int
    seconds: float


class ClosesDeleted(Protocol):
    """See `automation.deletion.Deletions`."""

    async def close(self, claim: Claim, queue: Queue, budget: ClosingBudget) -> bool:
        """Whether the claimed job is closed now, and not to be handed out."""
