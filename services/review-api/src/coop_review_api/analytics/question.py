"""What is asked of the figures: which time, cut how, of what.

Guarantees: pure; the time is bounded, so that no question reads the whole log.
Must not: know who asks; the scope of a reader is the decision log's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from coop_contracts.event import Source
from coop_review_api.decision_log.question import DecisionType
from coop_review_api.kernel.error import Fault

Division = Literal["TOTAL", "DAY", "HOUR"]
LONGEST: Final[dict[Division, timedelta]] = {
    "TOTAL": timedelta(days=366),
    "DAY": timedelta(days=366),
    "HOUR": timedelta(days=31),
}


@dataclass(frozen=True, kw_only=True)
class Question:
    """From `start` to before `end`, in days or hours of `zone` (a name of the IANA time zone
    database). Of each filter that is set one value fits; all filters hold."""

    start: datetime
    end: datetime
    division: Division = "TOTAL"
    zone: str = "UTC"
    queue_ids: tuple[str, ...] = ()
    reviewer_ids: tuple[str, ...] = ()
    policy_ids: tuple[str, ...] = ()
    action_ids: tuple[str, ...] = ()
    item_type_ids: tuple[str, ...] = ()
    rule_ids: tuple[str, ...] = ()
    decision_types: tuple[DecisionType, ...] = ()
    sources: tuple[Source, ...] = ()


def faults_of(question: Question) -> Iterator[Fault]:
    """What is wrong with its time."""
    if not question.start < question.end:
        yield Fault("#/query/from", "must be before the end")
    elif question.end - question.start > LONGEST[question.division]:
        days = LONGEST[question.division].days
        yield Fault("#/query/from", f"at most {days} days before the end")
