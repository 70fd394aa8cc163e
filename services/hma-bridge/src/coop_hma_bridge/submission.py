"""The media of a submission: whose, in which field, where, and what kind.

Guarantees: in the order of the items and of their fields; an address that is there again costs
nothing; what is beyond `MOST` addresses is told apart, and counted where it is too much to be told:
what a submission says is bounded, whatever came in it.
Must not: fetch anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from coop_contracts.config import ItemType, Kind
from coop_contracts.event import ItemRef, ItemSubmitted, ReportSubmitted, SubmittedItem
from coop_items.medium import MediaField, media_fields, media_of
from coop_runtime.kafka.config_table import ConfigTable

MOST: Final = 100
"""Addresses of one submission that are looked at."""
_TOLD: Final = 500  # places in items that are spoken of: who reads finds an address by its first
_TOLD_BYTES: Final = 256 * 1024  # of addresses that are there again, or are not looked at
_LONGEST: Final = 4 * 1024  # bytes of an address

Submitted = ItemSubmitted | ReportSubmitted


class Asked(NamedTuple):
    """One medium. `item` is None for the submission's own item."""

    item: ItemRef | None
    field: str
    url: str


class Media(NamedTuple):
    """Those that are looked at, those of which it is said that they are not, and how many more
    there are."""

    looked_at: list[Asked]
    beyond: list[Asked]
    untold: int


class SubmittedMedia:
    """Finds them, by the item types that the configuration has."""

    def __init__(self, table: ConfigTable) -> None:
        self._table = table
        self._fields: dict[int, tuple[ItemType, tuple[MediaField, ...]]] = {}

    def of(self, event: Submitted) -> Media:
        """All of a submission."""
        looked_at: list[Asked] = []
        beyond: list[Asked] = []
        known: set[str] = set()
        refused: set[str] = set()
        told = untold = 0
        for one in self._all(event):
            size = len(one.url.encode(errors="replace"))
            if one.url in known:
                if len(looked_at) < _TOLD and told + size <= _TOLD_BYTES:
                    told += size
                    looked_at.append(one)
            elif len(known) < MOST and size <= _LONGEST:
                known.add(one.url)
                looked_at.append(one)
            elif one.url not in refused:
                refused.add(one.url)
                if size <= _LONGEST and told + size <= _TOLD_BYTES:
                    told += size
                    beyond.append(one)
                else:
                    untold += 1
        return Media(looked_at, beyond, untold)

    def _all(self, event: Submitted) -> Iterator[Asked]:
        for whose in items_of(event):
            ref = None if whose is event.item else whose_ref(whose)
            for one in media_of(_data(whose), self._fields_of(event.org_id, whose)):
                yield Asked(ref, one.field, one.url)

    def _fields_of(self, org_id: str, item: SubmittedItem) -> tuple[MediaField, ...]:
        found = self._table.get(org_id, Kind.ITEM_TYPE, item.type_id)
        if not isinstance(found, ItemType) or found.version != item.type_version:
            older = f"{item.type_id}@{item.type_version}"
            version = self._table.get(org_id, Kind.ITEM_TYPE_VERSION, older)
            found = version if isinstance(version, ItemType) else found
        if not isinstance(found, ItemType):
            return ()  # gone since: no rule can ask about its fields
        kept = self._fields.get(id(found))
        if kept is None or kept[0] is not found:
            if len(self._fields) > _KEPT:
                self._fields.clear()
            kept = self._fields[id(found)] = (found, media_fields(found))
        return kept[1]


_KEPT: Final = 10_000


def cause_of(event: Submitted) -> str:
    """The id of the submission, or of the report."""
    return event.submission_id if isinstance(event, ItemSubmitted) else event.report_id


def whose_ref(item: SubmittedItem) -> ItemRef:
    """What names the item."""
    return ItemRef(item.id, item.type_id)


def items_of(event: Submitted) -> Iterator[SubmittedItem]:
    """All that came with it, its own item first."""
    yield event.item
    if isinstance(event, ReportSubmitted):
        yield from event.thread_items
        yield from event.additional_items


def _data(item: SubmittedItem) -> dict[str, Any]:
    return msgspec.json.decode(item.data, type=dict[str, Any])
