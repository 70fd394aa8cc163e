"""What is asked of the figures: which time, cut how, of what.

Guarantees: pure; the time is bounded, so that no question reads the whole log.
Must not: know who asks; the scope of a reader is the decision log's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from coop_contracts.event import Source
from coop_review_api.decision_log.question import DecisionType
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.tally.bucket import Bucket

LONGEST: Final[dict[Bucket, timedelta]] = {
    "TOTAL": timedelta(days=366),
    "DAY": timedelta(days=366),
    "HOUR": timedelta(days=31),
}
_SPAN = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Question:
    """From `start` to before `end`, in days or hours of `zone` (a name of the IANA time zone
    database). Of each filter that is set one value fits; all filters hold."""

    start: datetime
    end: datetime
    division: Bucket = "TOTAL"
    zone: str = "UTC"
    queue_ids: tuple[str, ...] = ()
    reviewer_ids: tuple[str, ...] = ()
    policy_ids: tuple[str, ...] = ()
    action_ids: tuple[str, ...] = ()
    item_type_ids: tuple[str, ...] = ()
    rule_ids: tuple[str, ...] = ()
    decision_types: tuple[DecisionType, ...] = ()
    sources: tuple[Source, ...] = ()


def question_of(
    *,
    start: datetime | None,
    end: datetime | None,
    now: datetime,
    division: Bucket,
    zone: str,
    **filters: Sequence[Any],
) -> Question:
    """The question in parameters as they were sent: without an end until now, without a start of
    the last days before the end. Raises `Invalid` for a time that is none, or too long."""
    end = end or now
    try:
        start = start or end - _SPAN
    except OverflowError:
        raise Invalid([Fault("#/query/until", "too early")]) from None
    if not start < end:
        raise Invalid([Fault("#/query/since", "must be before the end")])
    longest = LONGEST[division]
    if end - start > longest:
        raise Invalid([Fault("#/query/since", f"at most {longest.days} days before the end")])
    return Question(
        start=start,
        end=end,
        division=division,
        zone=zone,
        **{name: tuple(values) for name, values in filters.items()},
    )
