"""What a claim needs of those who close what was deleted (`deletion`).

Must not: import what decides; claims are below decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from coop_contracts.config import Queue
from coop_queues.job import Claim

MAX_CLOSED: Final = 20  # jobs of one claim
PATIENCE: Final = 3.0  # seconds that a claim asks the platform, all its jobs together


@dataclass
class Look:
    """What one claim may still do: `closings` jobs, `seconds` of asking."""

    closings: int = MAX_CLOSED
    seconds: float = PATIENCE


class ClosesDeleted(Protocol):
    """See `deletion.Deletions`."""

    async def close(self, claim: Claim, queue: Queue, look: Look) -> bool:
        """Whether the claimed job is closed now, and not to be handed out."""
