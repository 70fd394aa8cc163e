"""What reports and appeals have in common: items that come along, moments, references.

Guarantees: every problem is collected, none ends the reading of the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Raw

from coop_contracts.config import Kind
from coop_contracts.error import ApiError
from coop_contracts.event import ItemRef, SubmittedItem
from coop_ingest.catalog import Catalog
from coop_ingest.idempotency import SubmissionIds
from coop_ingest.item_reader import ItemReader, Reading, check_reference, check_type
from coop_ingest.refusal import invalid, sentence, too_large
from coop_ingest.wire import Reference, Reporter, Variant
from coop_items.moment import parse_moment
from coop_items.refusal import NotAnItemValue
from coop_items.scalar import check_id
from coop_items.text import check_text
from coop_runtime.kafka.config_table import ConfigTable


class RelatedReader:
    """Reads the parts of one report or appeal and collects what is wrong with them."""

    def __init__(
        self,
        *,
        org_id: str,
        ids: SubmissionIds,
        table: ConfigTable,
        catalog: Catalog,
        reader: ItemReader,
        max_items: int,
    ) -> None:
        self.errors: list[ApiError] = []
        self._org_id = org_id
        self._ids = ids
        self._table = table
        self._catalog = catalog
        self._reader = reader
        self._max_items = max_items
        self._position = 0

    def next_id(self) -> str:
        """The next id of this submission."""
        self._position += 1
        return self._ids.at(self._position - 1)

    def item(self, raw: Raw, at: str, *, variant: Variant | None = None) -> Reading:
        """One item; its errors are collected."""
        reading = self._reader.read(
            raw, at, self._org_id, submission_id=self.next_id(), variant=variant
        )
        self.errors += reading.errors
        return reading

    def items(
        self,
        raws: Iterable[Raw] | None,
        at: str,
        *,
        variant: Variant | None = None,
        kind: str | None = None,
    ) -> tuple[SubmittedItem, ...]:
        """A list of items. `kind` is what each must be."""
        found = []
        listed = list(raws or ())
        if len(listed) > self._max_items:
            self.errors.append(too_large(f"There may be at most {self._max_items} items.", at))
            return ()
        for index, raw in enumerate(listed):
            where = f"{at}/{index}"
            reading = self.item(raw, where, variant=variant)
            if reading.item is None:
                continue
            if kind is not None and reading.kind != kind:
                detail = f"The item must be of an item type of kind {kind}."
                self.errors.append(invalid(detail, where))
                continue
            found.append(reading.item)
        return tuple(found)

    def reference(self, sent: Reference | Reporter, at: str, *, kind: str | None = None) -> ItemRef:
        """An item or user that is only named."""
        named = ItemRef(sent.id, sent.type_id)
        self.errors += check_reference(self._catalog, self._org_id, named, at, kind=kind)
        return named

    def references(self, sent: list[Reference] | None, at: str) -> tuple[ItemRef, ...]:
        """A list of items that are only named."""
        listed = sent or []
        if len(listed) > self._max_items:
            self.errors.append(too_large(f"There may be at most {self._max_items} items.", at))
            return ()
        return tuple(self.reference(one, f"{at}/{index}") for index, one in enumerate(listed))

    def moment(self, sent: str, at: str) -> datetime | None:
        """A date and time; a date alone is its midnight in UTC."""
        try:
            return parse_moment(sent + "T00:00:00Z" if len(sent.strip()) == 10 else sent)
        except NotAnItemValue as refused:
            self.errors.append(invalid(sentence(refused.reason), at))
            return None

    def text(self, sent: str | None, at: str) -> str | None:
        """A text that only has to be storable."""
        if sent is None:
            return None
        try:
            return check_text(sent)
        except NotAnItemValue as refused:
            self.errors.append(invalid(sentence(refused.reason), at))
            return None

    def id(self, sent: str, at: str) -> str:
        """An id that the platform chose."""
        try:
            return check_id(sent)
        except NotAnItemValue as refused:
            self.errors.append(invalid(f"The id: {refused.reason}.", at))
            return ""

    def item_type(self, type_id: str, at: str) -> None:
        """The id of one of the organisation's item types."""
        self.errors += check_type(self._catalog, self._org_id, type_id, at)

    def known(self, kind: Kind, document_id: str, at: str) -> str:
        """The id of a configuration document, which must exist."""
        if self._table.get(self._org_id, kind, document_id) is None:
            self.errors.append(invalid(f"You have no {kind.value} with this id.", at))
        return document_id
