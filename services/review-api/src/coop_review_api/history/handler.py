"""The edge of the history: batches of five topics in, versions and marks out.

Guarantees: a batch is one transaction, committed before its offsets; a batch that comes twice
changes nothing; a database that is away is waited for.
Must not: decide how long anything is kept; `retention` does.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable, Sequence
from typing import cast

from coop_contracts.config import SYSTEM_ORG, ItemType, Kind, OrgSettings
from coop_contracts.event import (
    ActionRequested,
    AppealSubmitted,
    DecisionMade,
    Event,
    ItemRef,
    ItemSubmitted,
    ReportSubmitted,
    SubmittedItem,
)
from coop_review_api.history.port import ItemWriter, Mark, Reason
from coop_review_api.history.retention import DEFAULT_DAYS
from coop_review_api.history.version import Cause, Indexing, ItemShape, ItemVersion, versions_of
from coop_review_api.kernel import metric
from coop_review_api.kernel.clock import Clock
from coop_runtime.database.partition import DAY
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.kafka.message import Received
from coop_runtime.process.error import Poison

HISTORY_KINDS = (Kind.SETTINGS, Kind.ITEM_TYPE, Kind.ITEM_TYPE_VERSION)
"""What the history has to know."""

_SKEW = DAY  # by how much another machine's clock may be ahead
_SETTINGS = "settings"  # the id of the one document
_MAX_SHAPES = 10_000


class Wanted:
    """What each organisation wants of its items, as configured now."""

    def __init__(self, config: ConfigTable) -> None:
        self._config = config
        self._shapes: dict[tuple[str, str, str], tuple[object, ItemShape]] = {}

    def days_of(self, org_id: str) -> int:
        """How many days it keeps versions."""
        settings = self._settings(org_id)
        return DEFAULT_DAYS if settings is None else settings.item_history_days

    def of(self, org_id: str, item: SubmittedItem) -> Indexing:
        """What this item is found by."""
        settings = self._settings(org_id)
        searched = settings is not None and settings.item_text_search
        return Indexing(self._shape(org_id, item), searched)

    def org_ids(self) -> list[str]:
        """All of which anything is known."""
        return [org_id for org_id in self._config.org_ids() if org_id != SYSTEM_ORG]

    def _settings(self, org_id: str) -> OrgSettings | None:
        return cast("OrgSettings | None", self._config.get(org_id, Kind.SETTINGS, _SETTINGS))

    def _shape(self, org_id: str, item: SubmittedItem) -> ItemShape:
        """That of the type as it was for this item; a type of which that is not known as it is."""
        version = f"{item.type_id}@{item.type_version}"
        found = self._config.get(org_id, Kind.ITEM_TYPE, item.type_id)
        if found is None or cast(ItemType, found).version != item.type_version:
            found = self._config.get(org_id, Kind.ITEM_TYPE_VERSION, version) or found
        key = (org_id, item.type_id, item.type_version)
        document, shape = self._shapes.get(key, (None, ItemShape()))
        if document is not found:
            shape = ItemShape.of(cast("ItemType | None", found))
            if len(self._shapes) >= _MAX_SHAPES:
                self._shapes.clear()
            self._shapes[key] = (found, shape)
        return shape


class ItemHistory:
    """The handlers of the five consumers."""

    def __init__(self, writer: ItemWriter, wanted: Wanted, *, clock: Clock) -> None:
        self._writer = writer
        self._wanted = wanted
        self._clock = clock

    async def submitted(self, batch: Sequence[Received[ItemSubmitted]]) -> Awaitable[None]:
        """Items. Raises `Retryable`, `Poison`."""
        return self._write([received.event for received in batch], ())

    async def reported(self, batch: Sequence[Received[ReportSubmitted]]) -> Awaitable[None]:
        """Reports, what was said around them, and that they were made. Raises `Retryable`,
        `Poison`."""
        events = [received.event for received in batch]
        return self._write(events, [_mark(event, event.item, "REPORTED") for event in events])

    async def appealed(self, batch: Sequence[Received[AppealSubmitted]]) -> Awaitable[None]:
        """Appeals: what they are about was acted on. Raises `Retryable`, `Poison`."""
        events = [received.event for received in batch]
        return self._write(events, [_mark(event, event.item, "ACTIONED") for event in events])

    async def requested(self, batch: Sequence[Received[ActionRequested]]) -> Awaitable[None]:
        """Actions. Raises `Retryable`."""
        events = [received.event for received in batch]
        return self._write((), [_mark(event, event.item, "ACTIONED") for event in events])

    async def decided(self, batch: Sequence[Received[DecisionMade]]) -> Awaitable[None]:
        """Decisions. Raises `Retryable`."""
        events = [received.event for received in batch]
        return self._write((), [_mark(event, event.item, "DECIDED") for event in events])

    def _write(self, events: Iterable[Cause], marks: Sequence[Mark]) -> Awaitable[None]:
        """What is written while the next batch is read already: no order between versions counts,
        and what fails is read again."""
        newest = self._clock() + _SKEW
        versions: list[ItemVersion] = []
        known: dict[tuple[str, str, str], Indexing] = {}

        def indexing(org_id: str, item: SubmittedItem) -> Indexing:
            key = (org_id, item.type_id, item.type_version)
            found = known.get(key)
            if found is None:
                found = known[key] = self._wanted.of(org_id, item)
            return found

        for event in events:
            if event.time > newest:
                raise Poison(f"of {event.time.isoformat()}, which is to come")
            versions += versions_of(event, indexing)
        return asyncio.ensure_future(self._add(versions, marks))

    async def _add(self, versions: Sequence[ItemVersion], marks: Sequence[Mark]) -> None:
        await self._writer.add(versions, marks)
        for source, count in Counter(version.source for version in versions).items():
            metric.HISTORY_VERSIONS.labels(source.lower()).inc(count)
        for reason, count in Counter(mark.reason for mark in marks).items():
            metric.HISTORY_MARKS.labels(reason.lower()).inc(count)


def _mark(event: Event, item: ItemRef | SubmittedItem, reason: Reason) -> Mark:
    return Mark(event.org_id, item.id, item.type_id, reason)
