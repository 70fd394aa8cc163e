"""What is asked of a store of items: the ways to write, and the ways to find. Nothing else.

Another store, wide-column perhaps, is a class with these methods. Each way to find is an index
there: by a key, in one order, from a position on.

Guarantees, of every store: all is of one organisation, which is the first argument; a page has at
most `limit` items and costs no more than `MAX_SCAN` rows; it may have fewer and still a `next`,
where what lay between was an earlier version of an item. What is older than the organisation's
retention is not found, unless it is kept.
Must not: know HTTP, permissions, or what a caller may see.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

import msgspec

from coop_contracts.event import ItemRef, SubmittedItem
from coop_review_api.history.version import ItemVersion, Source

MAX_SCAN: Final = 200
MAX_NAMED: Final = 2000

Reason = Literal["REPORTED", "ACTIONED", "DECIDED"]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something was done about an item: it is kept."""

    org_id: str
    item_id: str
    type_id: str
    reason: Reason


class Position(msgspec.Struct, frozen=True, array_like=True):
    """Where in a way a page ended: the moment that orders it, and what makes that one exact."""

    at: datetime
    item_id: str
    type_id: str
    time: datetime
    submission_id: str


@dataclass(frozen=True, slots=True)
class FoundItem:
    """One version. `position` is where it stands in the way by which it was found."""

    item: SubmittedItem
    time: datetime
    said_at: datetime
    source: Source
    submission_id: str
    position: Position


@dataclass(frozen=True, slots=True)
class ItemPage:
    """`next` is where to go on; None at the end."""

    items: tuple[FoundItem, ...]
    next: Position | None


@dataclass(frozen=True, slots=True)
class Slice:
    """How much of a way: at most `limit` items behind `after`."""

    limit: int = 50
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A time: from `since` on, before `until`; None is no end."""

    since: datetime | None = None
    until: datetime | None = None


class ItemWriter(Protocol):
    """Writes batches: what is there already stays as it is."""

    async def add(self, versions: Sequence[ItemVersion], marks: Sequence[Mark] = ()) -> int:
        """Keeps them, all or none; how many versions were new. Raises `Retryable`."""


class ItemFinder(Protocol):
    """The ways to find. All raise `Retryable`."""

    def together(self, org_id: str) -> AbstractAsyncContextManager[ItemFinder]:
        """A finder for several questions about one organisation, one after the other: what they
        have in common is done once."""

    async def latest(self, org_id: str, item: ItemRef) -> FoundItem | None:
        """The item as it was sent last."""

    async def latest_of(self, org_id: str, items: Collection[ItemRef]) -> dict[ItemRef, FoundItem]:
        """The latest of each of these that is known, `MAX_SCAN` by one question, in the order in
        which they are given; of the first `MAX_NAMED` of them."""

    async def seen(self, org_id: str, author: ItemRef) -> Span:
        """When a user, or something of theirs, was sent first and last, as far as it is known."""

    async def versions(self, org_id: str, item: ItemRef, part: Slice = ...) -> ItemPage:
        """Its versions, the newest first."""

    async def of_id(self, org_id: str, item_id: str) -> tuple[FoundItem, ...]:
        """The latest of each item with this id, whatever its type; at most twenty types."""

    async def by_author(
        self,
        org_id: str,
        author: ItemRef,
        part: Slice = ...,
        *,
        span: Span = ...,
        type_id: str | None = None,
    ) -> ItemPage:
        """What a user made, the newest first, the user as an item with it."""

    async def media_of(self, org_id: str, author: ItemRef, part: Slice = ...) -> ItemPage:
        """The same, only what has pictures, films or sounds."""

    async def before(
        self, org_id: str, thread: ItemRef, part: Slice = ..., *, of: FoundItem | None = None
    ) -> ItemPage:
        """What was said in a thread before this item (None: at its end), the nearest first."""

    async def after(
        self, org_id: str, thread: ItemRef, part: Slice = ..., *, of: FoundItem | None = None
    ) -> ItemPage:
        """What was said in it afterwards (None: from its beginning), the nearest first."""

    async def by_parent(self, org_id: str, parent: ItemRef, part: Slice = ...) -> ItemPage:
        """The answers to an item, in the order in which they were said."""

    async def by_address(
        self, org_id: str, address: str, part: Slice = ..., *, span: Span = ...
    ) -> ItemPage:
        """What came from an IP address, the newest first."""

    async def by_text(
        self, org_id: str, words: str, part: Slice = ..., *, days: int = ...
    ) -> ItemPage:
        """What was said with these words in the last days, the newest first; as web searches are
        written ("a phrase", -without). Nothing where the organisation does not have it searched."""
