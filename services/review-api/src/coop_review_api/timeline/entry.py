"""What a timeline is made of, and how its sources are merged into one order.

    source ─┐  newest first, each from the same place on
    source ─┼─▶ one order: time, then source, then key ─▶ a page, and where the next one begins
    source ─┘

Guarantees: nothing is shown twice or passed over from page to page, whatever stands at the same
moment. A source that read as much as it may and has more says how far it came (`reached`); nothing
older than that is shown before it was asked again, so a page may be short and have a next one.
Must not: read anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, get_args

import msgspec

from coop_contracts.event import ItemRef
from coop_review_api.kernel.error import Fault, Invalid

Kind = Literal[
    "SUBMISSION",
    "REPORT",
    "RULE",
    "DECISION",
    "APPEAL",
    "KEEPING",
    "STRIKE",
    "NOTE",
    "COMMENT",
    "DELIVERY",
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
SourceName = Literal[
    "LOG", "ENTRY", "RULE", "STRIKE", "NOTE", "COMMENT", "KEEPING", "DELIVERY", "ITEM"
]
_ORDER: Final[tuple[SourceName, ...]] = get_args(SourceName)
_RANK: Final = {name: rank for rank, name in enumerate(_ORDER)}


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One entry. `key` tells it from others of its source at the same time; `shown` is what its
    view is made of. `csam`: it is about child safety."""

    kind: Kind
    source: SourceName
    time: datetime
    key: str
    shown: Any
    csam: bool = False


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended: what stands there was seen."""

    time: datetime
    source: SourceName
    key: str


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What a source is asked for: what stands before (time, key), in its own order."""

    time: datetime
    key: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """The moments of a source, newest first. `reached` is set where there is more behind it."""

    moments: Sequence[Moment] = field(default_factory=tuple)
    reached: Place | None = None


_place = msgspec.json.Decoder(Place)


def place_in(position: str | None) -> Place | None:
    """Raises `Invalid` for what no page ended with."""
    if position is None:
        return None
    try:
        place = _place.decode(position)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise not_a_cursor() from None
    if place.time.tzinfo is None or "\0" in place.key or place.time.year > 9000:
        raise not_a_cursor()
    return place


def bound_of(source: SourceName, after: Place | None, now: datetime) -> Bound:
    """From where on a source is asked, when the page before ended there."""
    if after is None:
        return Bound(time=now.astimezone(UTC) + timedelta(days=1), key="")
    if source == after.source:
        return Bound(time=after.time, key=after.key)
    if _RANK[source] < _RANK[after.source]:
        return Bound(time=after.time, key="")  # what it has at that moment was shown
    return Bound(time=after.time + timedelta(microseconds=1), key="")


def merged(found: Sequence[Found], limit: int) -> tuple[list[Moment], Place | None]:
    """Up to `limit` moments of all sources, newest first, and where the next page begins."""
    # Stable: what stands at one moment in one source keeps its source's order.
    moments = sorted((one for part in found for one in part.moments), key=_nearness)
    ends = [part.reached for part in found if part.reached is not None]
    end = min(ends, key=_nearness, default=None)
    if end is not None:
        moments = [one for one in moments if _nearness(one) <= _nearness(end)]
    page = moments[:limit]
    if len(moments) > limit:
        return page, _place_of(page[-1])
    return page, end


def _place_of(one: Moment) -> Place:
    return Place(one.time, one.source, one.key)


def _nearness(at: Moment | Place) -> tuple[int, int]:
    """Orders as pages do: the newest first."""
    return -((at.time - _EPOCH) // timedelta(microseconds=1)), _RANK[at.source]


_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


def not_a_cursor() -> Invalid:
    """What is no page's end."""
    return Invalid([Fault("#/query/cursor", "not a cursor of this list")])


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a timeline is of."""

    of: Literal["ITEM", "USER"]
    ref: ItemRef
