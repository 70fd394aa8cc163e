"""What reports and appeals have in common: items that come along, moments, references.

Guarantees: every problem is collected, none ends the reading of the rest. What is only named, and
is not there (a policy deleted since, a type that was never made), is no problem: it is noted, and
the report or appeal is heard.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Raw

from coop_contracts.config import Kind
from coop_contracts.error import ApiError, ErrorType
from coop_contracts.event import ItemRef, SubmittedItem
from coop_ingest.catalog import Catalog
from coop_ingest.idempotency import SubmissionIds
from coop_ingest.item_reader import ItemReader, Reading, check_type
from coop_ingest.notice import Notices
from coop_ingest.refusal import invalid, sentence, too_large
from coop_ingest.wire import Reference, Reporter, Variant
from coop_items.moment import parse_moment
from coop_items.refusal import DoubtfulValue, NotAnItemValue
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
        self.notices = Notices()
        self.has_media = False  # a picture or film is in what was read so far
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
        self._note(reading)
        return reading

    def _note(self, reading: Reading) -> None:
        self.has_media = self.has_media or reading.has_media
        self.notices.unknown_fields.update(dict.fromkeys(reading.unknown_fields))
        self.notices.doubtful += reading.doubtful

    def items(
        self,
        raws: Iterable[Raw] | None,
        at: str,
        *,
        variant: Variant | None = None,
        kind: str | None = None,
    ) -> tuple[SubmittedItem, ...]:
        """Items that come along. `kind` is what each must be. One of a type that is not there is
        left out."""
        found = []
        listed = list(raws or ())
        if len(listed) > self._max_items:
            self.errors.append(too_large(f"There may be at most {self._max_items} items.", at))
            return ()
        for index, raw in enumerate(listed):
            where = f"{at}/{index}"
            reading = self._reader.read(
                raw, where, self._org_id, submission_id=self.next_id(), variant=variant
            )
            if reading.item is None:
                if all(_is_unknown_type(error) for error in reading.errors):
                    self.notices.references.append(where)
                else:
                    self.errors += reading.errors
                continue
            if kind is not None and reading.kind != kind:
                detail = f"The item must be of an item type of kind {kind}."
                self.errors.append(invalid(detail, where))
                continue
            self._note(reading)
            found.append(reading.item)
        return tuple(found)

    def person(self, sent: Reference | Reporter, at: str) -> ItemRef:
        """A user of the platform, who is answered as they are named, also where their type is not
        there, or is none of users."""
        named = ItemRef(self.id(sent.id, at + "/id"), self.id(sent.type_id, at + "/typeId"))
        if self._catalog.kind_of(self._org_id, sent.type_id) != "USER":
            self.notices.references.append(at + "/typeId")
        return named

    def references(self, sent: list[Reference] | None, at: str) -> tuple[ItemRef, ...]:
        """Items that are only named; those that cannot be are left out."""
        listed = sent or []
        if len(listed) > self._max_items:
            self.errors.append(too_large(f"There may be at most {self._max_items} items.", at))
            return ()
        found = []
        for index, one in enumerate(listed):
            known = self._catalog.knows(self._org_id, one.type_id)
            if known and _is_id(one.id):
                found.append(ItemRef(one.id, one.type_id))
            else:
                self.notices.references.append(f"{at}/{index}")
        return tuple(found)

    def mention(self, kind: Kind, document_id: str, at: str) -> str | None:
        """The id of a configuration document; None, noted, where there is no such document."""
        if document_id and self._table.get(self._org_id, kind, document_id) is not None:
            return document_id
        self.notices.references.append(at)
        return None

    def moment(self, sent: str, at: str) -> datetime | None:
        """A date and time."""
        try:
            return parse_moment(sent)
        except DoubtfulValue as doubtful:
            self.notices.doubtful.append(at)
            moment: datetime = doubtful.kept
            return moment
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


def _is_unknown_type(error: ApiError) -> bool:
    return ErrorType.UNRECOGNIZED_CONTENT_TYPE in error.type


def _is_id(sent: str) -> bool:
    try:
        check_id(sent)
    except NotAnItemValue:
        return False
    return True
