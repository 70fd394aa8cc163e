"""The entries of a bank as they are changed: a few of them, or by a file.

Guarantees: a change is one transaction under the organisation's lock; a trial does all that the
change would, is refused as it would be, and leaves nothing.
Must not: read requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from coop_contracts.config import Location, LocationBank, TextBank
from coop_contracts.error import pointer
from coop_review_api.configuration import warning
from coop_review_api.configuration.bank_document import (
    BankChangeView,
    LocationBankPatchBody,
    TextBankPatchBody,
)
from coop_review_api.configuration.bank_file import (
    FileFormat,
    ReadLocations,
    ReadStrings,
    read_locations,
    read_strings,
    write_locations,
    write_strings,
)
from coop_review_api.configuration.bank_kind import located
from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.document_model import WarningView
from coop_review_api.configuration.document_resource import (
    LOCATION_BANK_RESOURCE,
    TEXT_BANK_RESOURCE,
)
from coop_review_api.configuration.log import Entry
from coop_review_api.configuration.resource import Resource
from coop_review_api.http.context import Context
from coop_review_api.kernel.principal import Principal
from coop_rules.matching.bank import Difference, locations_difference, strings_difference

B = TypeVar("B", TextBank, LocationBank)
Entries = Sequence[Any]
_NAMED = 100  # entries of a trial that are named


class BankEntries(Protocol[B]):
    """What is special to the entries of a kind of bank."""

    resource: Resource[B]

    def of(self, bank: B) -> Entries: ...

    def with_entries(self, bank: B, entries: Entries) -> B: ...

    def key(self, entry: Any) -> str:
        """What makes an entry the same as another."""
        ...

    def added(self, body: Any) -> Entries:
        """What a change sent to be added."""
        ...

    def read(self, raw: bytes, form: FileFormat, bank: B) -> ReadStrings | ReadLocations: ...

    def write(self, bank: B, form: FileFormat) -> bytes: ...

    def difference(self, before: Entries, after: Entries) -> Difference: ...


class StringEntries(BankEntries[TextBank]):
    resource = TEXT_BANK_RESOURCE

    def of(self, bank: TextBank) -> Entries:
        return bank.strings

    def with_entries(self, bank: TextBank, entries: Entries) -> TextBank:
        return msgspec.structs.replace(bank, strings=tuple(entries))

    def key(self, entry: str) -> str:
        return entry

    def added(self, body: TextBankPatchBody) -> Entries:
        return body.add

    def read(self, raw: bytes, form: FileFormat, bank: TextBank) -> ReadStrings:
        return read_strings(raw, form, bank.type)

    def write(self, bank: TextBank, form: FileFormat) -> bytes:
        return write_strings(bank.strings, form)

    def difference(self, before: Entries, after: Entries) -> Difference:
        return strings_difference(before, after)


class LocationEntries(BankEntries[LocationBank]):
    resource = LOCATION_BANK_RESOURCE

    def of(self, bank: LocationBank) -> Entries:
        return bank.locations

    def with_entries(self, bank: LocationBank, entries: Entries) -> LocationBank:
        return msgspec.structs.replace(bank, locations=tuple(entries))

    def key(self, entry: Location) -> str:
        return entry.id

    def added(self, body: LocationBankPatchBody) -> Entries:
        sent = [one.model_dump(by_alias=True, mode="json") for one in body.add]
        return [located(one, pointer("add", index)) for index, one in enumerate(sent)]

    def read(
        self,
        raw: bytes,
        form: FileFormat,
        bank: LocationBank,  # noqa: ARG002 - of a text bank its type matters
    ) -> ReadLocations:
        return read_locations(raw, form)

    def write(self, bank: LocationBank, form: FileFormat) -> bytes:
        return write_locations(bank.locations, form)

    def difference(self, before: Entries, after: Entries) -> Difference:
        return locations_difference(before, after)


async def change(
    context: Context,
    principal: Principal,
    entries: BankEntries[B],
    document_id: str,
    new: Callable[[Entries], Entries],
    *,
    expected: int | None,
    dry_run: bool = False,
) -> BankChangeView:
    """Save the bank with other entries: `new` makes them of those it has. A `dry_run` does all of
    it, and takes it back."""
    try:
        return await _changed(
            context, principal, entries, document_id, new, expected=expected, dry_run=dry_run
        )
    except _TakenBack as trial:
        return trial.view


class _TakenBack(Exception):
    def __init__(self, view: BankChangeView) -> None:
        super().__init__("a trial")
        self.view = view


async def _changed(
    context: Context,
    principal: Principal,
    entries: BankEntries[B],
    document_id: str,
    new: Callable[[Entries], Entries],
    *,
    expected: int | None,
    dry_run: bool,
) -> BankChangeView:
    documents = entries.resource.documents
    async with changing(context, principal) as configuration:
        current = await configuration.get(documents.kind, documents.type, document_id)
        whole = await documents.whole(configuration.connection, principal.org_id, current)
        old = entries.of(whole.document)
        after = new(old)
        entry = await documents.commit(
            configuration,
            principal,
            before=current.document,
            after=entries.with_entries(whole.document, after),
            expected=expected,
        )
        view = await asyncio.to_thread(_view, entries, old, entry)
        if dry_run:
            first = entries.difference(old, after)
            raise _TakenBack(
                view.model_copy(
                    update={
                        "revision": current.revision,
                        "dry_run": True,
                        "added_entries": list(first.added[:_NAMED]),
                        "removed_entries": list(first.removed[:_NAMED]),
                    }
                )
            )
    return view


def _view(entries: BankEntries[B], old: Entries, entry: Entry[B]) -> BankChangeView:
    saved = entry.document
    before = {entries.key(one): one for one in old}
    kept = {entries.key(one): one for one in entries.of(saved)}
    warnings = warning.bank(saved)
    return BankChangeView(
        id=saved.id,
        revision=entry.revision,
        entry_count=len(kept),
        added=sum(before.get(key) != one for key, one in kept.items()),
        removed=sum(kept.get(key) != one for key, one in before.items()),
        warnings=[WarningView(pointer=one.pointer, reason=one.reason) for one in warnings],
    )


def merged(entries: BankEntries[B], old: Entries, add: Entries, remove: Sequence[str]) -> Entries:
    found = {entries.key(entry): entry for entry in old}
    for key in remove:
        found.pop(key, None)
    found |= {entries.key(entry): entry for entry in add}
    return list(found.values())
