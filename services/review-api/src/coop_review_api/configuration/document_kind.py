"""A kind of configuration document: what saving one, reading one and deleting one does.

    sent ─▶ build ─▶ guard ─▶ parts kept beside it ─▶ the log (checks, revision) ─▶ saved ─▶ whole
                       ╰──────────── delete ───────────────╯

Guarantees: all of a change is one transaction under the organisation's lock, on the state that the
change is applied to; what is special to a kind is in the value that describes it, and nowhere else.
Must not: know how a document looks on the wire (`resource` does), or what is wrong with one (its
check does, see `check`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Document, Kind
from coop_contracts.ids import new_id
from coop_review_api.configuration import history, log
from coop_review_api.configuration.log import Entry, LockedConfiguration
from coop_review_api.kernel.error import Conflict, Fault, NotFound
from coop_review_api.kernel.principal import Principal
from coop_runtime.secret.vault import Vault

D = TypeVar("D", bound=Document)

NEVER: Final = datetime.fromtimestamp(0, UTC)
"""When nobody saved a document."""


@dataclass(frozen=True, kw_only=True)
class SentDocument(Generic[D]):
    """A document as somebody sent it, the organisation's lock held. `fields` are its JSON, without
    what no caller may set; `previous` is None for a new one; `vault` hides secrets."""

    configuration: LockedConfiguration
    vault: Vault
    document_id: str
    fields: Mapping[str, Any]
    previous: D | None

    def to(self, type_: type[D], **others: Any) -> D:
        """As a document, with other fields in place of those sent."""
        return msgspec.convert({**self.fields, **others, "id": self.document_id}, type_)


@dataclass(frozen=True, kw_only=True)
class DocumentChange(Generic[D]):
    """A change under way, the organisation's lock held: `before` None makes a document, `after`
    None deletes one."""

    configuration: LockedConfiguration
    principal: Principal
    before: D | None
    after: D | None


class DocumentParts(Protocol[D]):
    """What is kept beside the documents of a kind, because it is too large for one."""

    async def stored(self, configuration: LockedConfiguration, document: D) -> D:
        """The document as the log takes it: the rest of it is saved here."""
        ...

    async def whole(self, connection: AsyncConnection, org_id: str, document: D) -> D:
        """The document with what is kept beside it."""
        ...


@dataclass(frozen=True, kw_only=True)
class DocumentKind(Generic[D]):
    """What is special to a kind; without anything a document is saved as it was sent.

    `build` makes the document of what was sent. `guard` refuses a change that needs more than the
    permission to write. `saved` does what else a change changes. `implied` are the documents that
    are there without anybody having saved them. `visible`: whether a person may know of one.
    """

    kind: Kind
    type: type[D]
    noun: str
    build: Callable[[SentDocument[D]], Awaitable[D]] | None = None
    guard: Callable[[DocumentChange[D]], Awaitable[None]] | None = None
    saved: Callable[[DocumentChange[D]], Awaitable[None]] | None = None
    parts: DocumentParts[D] | None = None
    implied: Mapping[str, D] = field(default_factory=dict)
    visible: Callable[[Principal, D], bool] | None = None

    async def save(
        self,
        configuration: LockedConfiguration,
        principal: Principal,
        *,
        fields: Mapping[str, Any],
        document_id: str | None,
        expected: int | None,
        vault: Vault,
        given_id: str | None = None,
    ) -> Entry[D]:
        """Create (`document_id` None, `given_id` where the caller has one) or replace one, as it
        was sent; the whole entry. `expected`: the revision that the author saw. Raises `Invalid`,
        `Conflict`, `Forbidden`, `NotFound`, `RevisionMismatch`."""
        before = None
        if document_id is not None:
            before = await self.current(configuration, document_id)
        elif given_id is not None:
            await self._check_unused(configuration, given_id)
        sent = SentDocument(
            configuration=configuration,
            vault=vault,
            document_id=document_id or given_id or new_id(),
            fields=fields,
            previous=before,
        )
        after = sent.to(self.type) if self.build is None else await self.build(sent)
        return await self.commit(
            configuration, principal, before=before, after=after, expected=expected
        )

    async def commit(
        self,
        configuration: LockedConfiguration,
        principal: Principal,
        *,
        before: D | None,
        after: D,
        expected: int | None,
        approved: bool = False,
    ) -> Entry[D]:
        """Save a document that is whole, with all that belongs to it; the whole entry. `approved`:
        as `LockedConfiguration.save` has it."""
        change = DocumentChange(
            configuration=configuration, principal=principal, before=before, after=after
        )
        if self.guard is not None:
            await self.guard(change)
        stored = after if self.parts is None else await self.parts.stored(configuration, after)
        entry = await configuration.save(self.kind, stored, expected=expected, approved=approved)
        if self.saved is not None:
            await self.saved(replace(change, after=entry.document))
        return await self.whole(configuration.connection, configuration.org_id, entry)

    async def delete(
        self,
        configuration: LockedConfiguration,
        principal: Principal,
        document_id: str,
        *,
        expected: int | None,
    ) -> None:
        """Delete one that nothing refers to."""
        before = (await configuration.get(self.kind, self.type, document_id)).document
        change = DocumentChange(
            configuration=configuration, principal=principal, before=before, after=None
        )
        if self.guard is not None:
            await self.guard(change)
        await configuration.delete(self.kind, document_id, expected=expected)
        if self.saved is not None:
            await self.saved(change)

    async def _check_unused(self, configuration: LockedConfiguration, document_id: str) -> None:
        """Raises `Conflict` for an id that a document of this kind has, or had: what was recorded
        under it must not become another's."""
        connection, org_id = configuration.connection, configuration.org_id
        if document_id in self.implied or await log.is_known(
            connection, org_id, self.kind, document_id
        ):
            raise Conflict(
                "this id cannot be used",
                faults=[Fault("/id", "a document of this kind has it, or had it")],
            )

    async def current(self, configuration: LockedConfiguration, document_id: str) -> D:
        """The document that a change would replace. Raises `NotFound`."""
        connection, org_id = configuration.connection, configuration.org_id
        stored = await log.read(connection, org_id, self.kind, self.type, document_id)
        found = self.implied.get(document_id) if stored is None else stored.document
        if found is None:
            raise NotFound(f"no {self.noun} {document_id}")
        return found

    async def read(
        self, connection: AsyncConnection, principal: Principal, document_id: str
    ) -> Entry[D]:
        """One that the person may know of, as it is stored. Raises `NotFound`."""
        entry = await log.read(connection, principal.org_id, self.kind, self.type, document_id)
        if entry is None and document_id in self.implied:
            entry = _unsaved(self.implied[document_id])
        if entry is None or not self.may_be_seen(principal, entry.document):
            raise NotFound(f"no {self.noun} {document_id}")
        return entry

    async def page(
        self, connection: AsyncConnection, org_id: str, *, after: str | None, limit: int
    ) -> list[Entry[D]]:
        """Up to `limit` of the organisation's by id, from the one after `after`, whoever may know
        of them."""
        found = await history.current_page(
            connection, org_id, self.kind, self.type, after=after, limit=limit
        )
        entries = {
            document_id: _unsaved(document)
            for document_id, document in self.implied.items()
            if after is None or document_id > after
        }
        entries |= {entry.document.id: entry for entry in found}
        return [entries[document_id] for document_id in sorted(entries)][:limit]

    async def whole(self, connection: AsyncConnection, org_id: str, entry: Entry[D]) -> Entry[D]:
        """The entry with what is kept beside the document."""
        if self.parts is None:
            return entry
        document = await self.parts.whole(connection, org_id, entry.document)
        return replace(entry, document=document)

    def may_be_seen(self, principal: Principal, document: D) -> bool:
        return self.visible is None or self.visible(principal, document)


def _unsaved(document: D) -> Entry[D]:
    return Entry(document=document, revision=0, author="", time=NEVER)
