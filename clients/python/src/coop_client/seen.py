"""Which webhooks were taken already: Coop sends one until it hears that it was taken.

    (unknown) ──claim──▶ claimed ──done──▶ done         claimed again: it was done
                           │ └─release──▶ (unknown)     it failed, and will come again
                           └─ claim is over ─▶ (unknown)  whoever had it died

Guarantees of `MemorySeen`: two threads never have the same webhook; it holds `limit` ids at most,
each as long as Coop may send it.
Must not: be in memory where more than one process receives, or where what is done twice hurts: give
a `Seen` on your database then, best in the transaction that does what the webhook says.
"""

from __future__ import annotations

import enum
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

KEPT: Final = 5 * 24 * 3600.0
"""Seconds. The last of Coop's ten attempts comes a little more than three days after the first."""

CLAIMED: Final = 60.0
"""Seconds that one may take; Coop waits for fifteen."""


class Claim(enum.Enum):
    """What to do with a webhook."""

    NEW = "NEW"  # it is yours: `done` or `release` it
    BUSY = "BUSY"  # somebody has it now
    DONE = "DONE"  # nothing is left to do


class Seen(Protocol):
    """The ids of webhooks that were taken."""

    def claim(self, webhook_id: str) -> Claim:
        """Whoever gets NEW has it to themselves."""
        ...

    def done(self, webhook_id: str) -> None:
        """It was done."""
        ...

    def release(self, webhook_id: str) -> None:
        """It failed: the next claim gets NEW."""
        ...


class MemorySeen:
    """A `Seen` of this process."""

    def __init__(
        self,
        *,
        limit: int = 100_000,
        kept: float = KEPT,
        claimed: float = CLAIMED,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit, self._kept, self._claimed, self._now = limit, kept, claimed, now
        self._lock = threading.Lock()
        self._until: OrderedDict[str, tuple[Claim, float]] = OrderedDict()

    def claim(self, webhook_id: str) -> Claim:
        """Whoever gets NEW has it to themselves."""
        with self._lock:
            known = self._until.get(webhook_id)
            if known is not None and known[1] > self._now():
                return known[0]
            self._set(webhook_id, Claim.BUSY, self._claimed)
            return Claim.NEW

    def done(self, webhook_id: str) -> None:
        """It was done."""
        with self._lock:
            self._set(webhook_id, Claim.DONE, self._kept)

    def release(self, webhook_id: str) -> None:
        """It failed: the next claim gets NEW."""
        with self._lock:
            self._until.pop(webhook_id, None)

    def _set(self, webhook_id: str, claim: Claim, seconds: float) -> None:
        self._until[webhook_id] = claim, self._now() + seconds
        self._until.move_to_end(webhook_id)
        while len(self._until) > self._limit:
            self._until.popitem(last=False)
