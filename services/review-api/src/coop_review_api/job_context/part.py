"""Gathering of an answer that may fail each by itself.

Guarantees: a part that cannot be had within its time is named with its reason, and the others are
there all the same; what is wrong with the question itself is raised.
Must not: hide a fault of ours: only what is away, or slow, is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from coop_review_api.kernel.error import Unavailable
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

PartName = Literal[
    "HISTORY", "THREAD", "STRIKES", "REPORTERS", "EXPLANATION", "TIMELINE", "JOBS", "OFFERS"
]
Reason = Literal["UNAVAILABLE", "NOT_PERMITTED", "NOT_KNOWN"]

T = TypeVar("T")

_log = logger("coop.review_api.job_context")


@dataclass(frozen=True, kw_only=True)
class MissingPart:
    """UNAVAILABLE: what has it is away or slow. NOT_PERMITTED: not for this person. NOT_KNOWN:
    nobody has it."""

    part: PartName
    reason: Reason


@dataclass
class Gathering:
    """Of one answer: what is missing in it."""

    missing: list[MissingPart] = field(default_factory=list)

    def lacks(self, part: PartName, reason: Reason) -> None:
        found = MissingPart(part=part, reason=reason)
        if found not in self.missing:
            self.missing.append(found)

    async def get(self, part: PartName, asked: Awaitable[T], *, within: float) -> T | None:
        """The part, or None where it is away for `within` seconds."""
        deadline = asyncio.timeout(within)
        try:
            async with deadline:
                return await asked
        except (Retryable, Unavailable) as error:
            reason = str(error)
        except TimeoutError:
            if not deadline.expired():
                raise
            reason = f"no answer within {within} s"
        _log.warning("a part of a job's context is missing", part=part, reason=reason)
        self.lacks(part, "UNAVAILABLE")
        return None
