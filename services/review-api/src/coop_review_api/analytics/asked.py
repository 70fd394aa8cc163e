"""One question of many: a figure, what it is grouped by, of which, when, in whose time.

    ACTIONS      asked for and not taken back       OPEN_JOBS    at the end of each bucket
    REVERSALS    what took actions back             MATCHES      rules that passed
    DECISIONS    on jobs, undone ones apart         EVALUATIONS  of submissions; of each rule, those
    JOBS, SKIPS  that came; claimed and skipped                  on which it was tried

Guarantees: pure; what cannot be asked is refused with the place of each fault.
Must not: know who asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coop_contracts.error import pointer
from coop_review_api.analytics.question import LONGEST
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.tally.bucket import Bucket, Buckets, buckets_of

AskedFigure = Literal[
    "ACTIONS",
    "REVERSALS",
    "DECISIONS",
    "JOBS",
    "SKIPS",
    "OPEN_JOBS",
    "MATCHES",
    "EVALUATIONS",
]
GroupName = Literal[
    "ACTION",
    "AUTOMATION",
    "ITEM_TYPE",
    "POLICY",
    "QUEUE",
    "REVIEWER",
    "REVISION",
    "RULE",
    "SOURCE",
    "TYPE",
]
Compare = Literal["NONE", "PREVIOUS"]

FILTERS: Final[Mapping[GroupName, str]] = {
    "ACTION": "actionIds",
    "ITEM_TYPE": "itemTypeIds",
    "POLICY": "policyIds",
    "QUEUE": "queueIds",
    "REVIEWER": "reviewerIds",
    "RULE": "ruleIds",
    "SOURCE": "sources",
    "TYPE": "decisionTypes",
}
"""By what is filtered by: the name of the filter."""

_OF_ACTIONS: Final[tuple[GroupName, ...]] = (
    "ACTION",
    "AUTOMATION",
    "ITEM_TYPE",
    "POLICY",
    "RULE",
    "SOURCE",
)
GROUPS: Final[Mapping[AskedFigure, tuple[GroupName, ...]]] = {
    "ACTIONS": _OF_ACTIONS,
    "REVERSALS": _OF_ACTIONS,
    "DECISIONS": ("ACTION", "ITEM_TYPE", "POLICY", "QUEUE", "REVIEWER", "TYPE"),
    "JOBS": ("ITEM_TYPE", "POLICY", "QUEUE", "SOURCE"),
    "SKIPS": ("QUEUE", "REVIEWER"),
    "OPEN_JOBS": ("QUEUE",),
    "MATCHES": ("RULE", "REVISION"),
    "EVALUATIONS": ("ITEM_TYPE", "RULE", "REVISION"),
}
_GROUPS_AT_ONCE: Final[Mapping[AskedFigure, int]] = {"JOBS": 1, "SKIPS": 1}
_LATEST: Final = timedelta(days=366)  # from now
_EARLIEST: Final = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
_SPAN: Final = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class AskedQuestion:
    """As it was sent, and the `buckets` of its time. `top`: so many keys, the largest first."""

    figure: AskedFigure
    buckets: Buckets
    bucket: Bucket
    zone: str
    group_by: tuple[GroupName, ...] = ()
    filters: Mapping[GroupName, tuple[str, ...]]
    top: int = 50


@dataclass(frozen=True, kw_only=True)
class AskedTime:
    """From `since` to before `until`, cut by the clocks of `zone`; None: the last days, now."""

    since: datetime | None
    until: datetime | None
    bucket: Bucket
    zone: str
    compare: Compare


def asked_question(
    position: int,
    *,
    figure: AskedFigure,
    group_by: Sequence[GroupName],
    filters: Mapping[GroupName, Sequence[str]],
    time: AskedTime,
    top: int,
    now: datetime,
) -> AskedQuestion:
    """The question at that position of a request. Raises `Invalid`."""
    faults = list(_faults(figure, group_by, filters))
    end = time.until or now
    start = time.since or (end - _SPAN if end > _EARLIEST else end)
    faults += _faults_of_time(start, end, time.bucket, now)
    found = _zone_of(time.zone)
    if found is None:
        faults.append(Fault("/timeZone", "no time zone that is known"))
    if faults or found is None:
        here = pointer("questions", position)
        raise Invalid([fault._replace(pointer=f"{here}{fault.pointer}") for fault in faults])
    compare = time.compare == "PREVIOUS"
    return AskedQuestion(
        figure=figure,
        buckets=buckets_of(start, end, time.bucket, found, compare=compare),
        bucket=time.bucket,
        zone=time.zone,
        group_by=tuple(group_by),
        filters={name: tuple(values) for name, values in filters.items() if values},
        top=top,
    )


def _faults(
    figure: AskedFigure,
    group_by: Sequence[GroupName],
    filters: Mapping[GroupName, Sequence[str]],
) -> Iterator[Fault]:
    known = GROUPS[figure]
    for position, name in enumerate(group_by):
        if name not in known:
            yield Fault(f"/groupBy/{position}", f"{figure} has no {name}")
        elif position >= _GROUPS_AT_ONCE.get(figure, 2):
            yield Fault(f"/groupBy/{position}", f"{figure} is grouped by one thing at a time")
        elif name in group_by[:position]:
            yield Fault(f"/groupBy/{position}", "twice")
    if "ITEM_TYPE" in group_by and "RULE" in group_by and figure == "EVALUATIONS":
        yield Fault("/groupBy", "EVALUATIONS are of rules, or of item types")
    for name, values in filters.items():
        if values and name not in known:
            yield Fault(f"/filters/{FILTERS[name]}", f"{figure} has no {name}")


def _faults_of_time(
    start: datetime, end: datetime, bucket: Bucket, now: datetime
) -> Iterator[Fault]:
    longest = LONGEST[bucket]
    if end > now + _LATEST:
        yield Fault("/until", f"at most {_LATEST.days} days from now")
    elif start < _EARLIEST:
        yield Fault("/since", "too early")
    elif not start < end:
        yield Fault("/since", "must be before the end")
    elif end - start > longest:
        yield Fault("/since", f"at most {longest.days} days before the end")


def _zone_of(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # also a folder of them
        return None
