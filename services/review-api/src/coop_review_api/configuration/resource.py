"""A configuration resource: what its commands and queries do, whatever the kind of document.

Guarantees: each command is one transaction under the organisation's lock; whatever a resource adds
(`build`, `guard`, `after`) runs inside it, on the state the change is applied to.
Must not: hold rules of a kind; those are in `configuration`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

import msgspec
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Document, Kind
from coop_contracts.ids import new_id
from coop_review_api.configuration import history
from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.document_model import Stamped
from coop_review_api.configuration.log import Entry, LockedConfiguration, read
from coop_review_api.http.authentication import Access
from coop_review_api.http.body import Body
from coop_review_api.http.context import Context
from coop_review_api.http.page import cut, decode_cursor
from coop_review_api.kernel.error import Fault, Invalid, NotFound
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction

B = TypeVar("B", bound=Body)
D = TypeVar("D", bound=Document)

_NEVER = datetime.fromtimestamp(0, UTC)  # when nobody saved a document

_ETAG = re.compile(r'"(\d{1,18})"')


@dataclass(frozen=True, kw_only=True)
class Command(Generic[B, D]):
    """A create (`previous` None) or replace under way, the organisation's lock held."""

    context: Context
    principal: Principal
    configuration: LockedConfiguration
    document_id: str
    body: B
    previous: D | None


class Resource(Generic[B, D]):
    """What makes a kind of document a resource: subclass, set the attributes, override what
    differs."""

    kind: ClassVar[Kind]
    path: ClassVar[str]
    noun: ClassVar[str]  # in names of operations: `createPolicy`
    plural: ClassVar[str]
    document: type[D]
    body: type[B]
    view: ClassVar[type[Stamped]]
    read: ClassVar[Access]
    write: ClassVar[Access]
    deletes: ClassVar[bool] = True  # by the route that all kinds share

    async def build(self, command: Command[B, D]) -> D:
        """The document to save: the body as it is."""
        fields = command.body.model_dump(by_alias=True, mode="json")
        return msgspec.convert({**fields, "id": command.document_id}, self.document)

    def implied(self) -> Mapping[str, D]:
        """The documents that are there, by id, without anybody having saved them."""
        return {}

    async def stored(
        self,
        configuration: LockedConfiguration,  # noqa: ARG002 - for those who override it
        document: D,
    ) -> D:
        """The document as the log takes it: what is kept beside it is saved here."""
        return document

    async def whole(
        self,
        connection: AsyncConnection,  # noqa: ARG002 - for those who override it
        org_id: str,  # noqa: ARG002
        document: D,
    ) -> D:
        """The document with what is kept beside it."""
        return document

    async def listed(
        self,
        connection: AsyncConnection,  # noqa: ARG002 - for those who override it
        org_id: str,  # noqa: ARG002
        documents: Sequence[D],  # noqa: ARG002
    ) -> dict[str, dict[str, Any]]:
        """What a list says of documents beside what is in them, by id: fields of the view."""
        return {}

    async def guard(
        self,
        configuration: LockedConfiguration,
        principal: Principal,
        *,
        before: D | None,
        after: D | None,
    ) -> None:
        """Refuse a change (`after` None: a delete) that needs more than the write permission."""

    async def saved(
        self, configuration: LockedConfiguration, *, before: D | None, after: D | None
    ) -> None:
        """What else the change changes, in the same transaction."""

    def visible(self, principal: Principal, document: D) -> bool:  # noqa: ARG002 - overridden
        """Whether the caller may know of the document at all."""
        return True

    def present(
        self,
        context: Context,  # noqa: ARG002 - for those who override it
        principal: Principal,  # noqa: ARG002
        document: D,  # noqa: ARG002
        fields: dict[str, Any],
    ) -> dict[str, Any]:
        """The fields of the view; `fields` is the document's JSON."""
        return fields

    def view_of(
        self,
        context: Context,
        principal: Principal,
        entry: Entry[D],
        more: Mapping[str, Any] | None = None,
    ) -> Stamped:
        """The document as it is shown; `more` are fields in place of its own."""
        fields = self.present(
            context, principal, entry.document, msgspec.to_builtins(entry.document)
        )
        stamp = {"revision": entry.revision, "updatedAt": entry.time, "updatedBy": entry.author}
        # As JSON: nested parts are the strict models of bodies, which take no Python values.
        shown = {**fields, **stamp, **(more or {})}
        return self.view.model_validate_json(msgspec.json.encode(shown))


def etag_of(revision: int) -> str:
    return f'"{revision}"'


def expected_revision(if_match: str | None) -> int | None:
    """The revision in an If-Match header; `Invalid` for anything but one of this API's ETags."""
    if if_match is None or if_match.strip() == "*":
        return None
    match = _ETAG.fullmatch(if_match.strip())
    if match is None:
        raise Invalid([Fault("#/header/If-Match", 'must be a revision in quotes, such as "12"')])
    return int(match[1])


def context_of(request: Request) -> Context:
    """The process's context."""
    context: Context = request.app.state.context
    return context


class Handlers(Generic[B, D]):
    """The handlers of one resource."""

    def __init__(self, resource: Resource[B, D]) -> None:
        self.resource = resource

    async def page(
        self, request: Request, principal: Principal, limit: int, cursor: str | None
    ) -> tuple[list[Stamped], str | None]:
        context, resource = context_of(request), self.resource
        async with transaction(context.engine) as connection:
            found = await history.current_page(
                connection,
                principal.org_id,
                resource.kind,
                resource.document,
                after=decode_cursor(cursor),
                limit=limit + 1,
            )
            found = self._with_implied(found, after=decode_cursor(cursor), limit=limit + 1)
            entries, next_cursor = cut(found, limit, lambda entry: entry.document.id)
            visible = [entry for entry in entries if resource.visible(principal, entry.document)]
            more = await resource.listed(
                connection, principal.org_id, [entry.document for entry in visible]
            )
        shown = [
            resource.view_of(context, principal, entry, more.get(entry.document.id))
            for entry in visible
        ]
        return shown, next_cursor

    async def read(self, request: Request, principal: Principal, document_id: str) -> Entry[D]:
        resource = self.resource
        async with transaction(context_of(request).engine) as connection:
            entry = await read(
                connection, principal.org_id, resource.kind, resource.document, document_id
            )
        entry = entry or self._implied(document_id)
        if entry is None or not resource.visible(principal, entry.document):
            raise NotFound(f"no {resource.noun} {document_id}")
        return entry

    def _implied(self, document_id: str) -> Entry[D] | None:
        document = self.resource.implied().get(document_id)
        if document is None:
            return None
        return Entry(document=document, revision=0, author="", time=_NEVER)

    def _with_implied(
        self, found: list[Entry[D]], *, after: str | None, limit: int
    ) -> list[Entry[D]]:
        """Up to `limit` entries by id: what was found, and what is there without being stored."""
        entries = {entry.document.id: entry for entry in found}
        for document_id in self.resource.implied():
            entry = self._implied(document_id)
            if entry is not None and (after is None or document_id > after):
                entries.setdefault(document_id, entry)
        return [entries[document_id] for document_id in sorted(entries)][:limit]

    async def whole(self, request: Request, principal: Principal, entry: Entry[D]) -> Entry[D]:
        """The entry with what is kept beside the document."""
        async with transaction(context_of(request).engine) as connection:
            return await self._whole(connection, principal, entry)

    async def _whole(
        self, connection: AsyncConnection, principal: Principal, entry: Entry[D]
    ) -> Entry[D]:
        document = await self.resource.whole(connection, principal.org_id, entry.document)
        return replace(entry, document=document)

    async def save(
        self,
        request: Request,
        principal: Principal,
        document_id: str | None,
        body: B,
        *,
        expected: int | None,
    ) -> Entry[D]:
        """Create (`document_id` None) or replace."""
        context, resource = context_of(request), self.resource
        async with changing(context, principal) as configuration:
            before = None
            if document_id is not None:
                before = resource.implied().get(document_id)
                if stored := await read(
                    configuration.connection,
                    principal.org_id,
                    resource.kind,
                    resource.document,
                    document_id,
                ):
                    before = stored.document
                if before is None:
                    raise NotFound(f"no {resource.noun} {document_id}")
            command = Command(
                context=context,
                principal=principal,
                configuration=configuration,
                document_id=document_id or new_id(),
                body=body,
                previous=before,
            )
            document = await resource.build(command)
            return await self.commit(
                configuration, principal, before=before, after=document, expected=expected
            )

    async def commit(
        self,
        configuration: LockedConfiguration,
        principal: Principal,
        *,
        before: D | None,
        after: D,
        expected: int | None,
    ) -> Entry[D]:
        """Save a document that is whole, with all that belongs to it; the whole entry."""
        resource = self.resource
        await resource.guard(configuration, principal, before=before, after=after)
        stored = await resource.stored(configuration, after)
        entry = await configuration.save(resource.kind, stored, expected=expected)
        await resource.saved(configuration, before=before, after=entry.document)
        return await self._whole(configuration.connection, principal, entry)

    async def delete(
        self, request: Request, principal: Principal, document_id: str, *, expected: int | None
    ) -> None:
        context, resource = context_of(request), self.resource
        async with changing(context, principal) as configuration:
            before = (
                await configuration.get(resource.kind, resource.document, document_id)
            ).document
            await resource.guard(configuration, principal, before=before, after=None)
            await configuration.delete(resource.kind, document_id, expected=expected)
            await resource.saved(configuration, before=before, after=None)
