"""The revisions of a configuration resource: list, read, compare, restore.

Guarantees: what is shown and compared is the resource's view, so no secret is in a difference; a
restored document passes every check and permission of a saved one, and is a new revision.
Must not: change the past.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Document
from coop_review_api.configuration import history
from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.difference import FieldChange, difference
from coop_review_api.configuration.document_model import Stamped
from coop_review_api.configuration.log import Entry, read
from coop_review_api.configuration.resource import Resource
from coop_review_api.http.context import Context
from coop_review_api.http.page import cut, decode_number
from coop_review_api.kernel.error import Conflict, NotFound
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction

D = TypeVar("D", bound=Document)

_STAMP = frozenset({"revision", "updatedAt", "updatedBy"})


class Revisions(Generic[D]):
    """The handlers of one resource's revisions."""

    def __init__(self, resource: Resource[D]) -> None:
        self._resource = resource
        self._documents = resource.documents

    async def page(
        self,
        context: Context,
        principal: Principal,
        document_id: str,
        limit: int,
        cursor: str | None,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Newest first, each with the names of the fields that it changed."""
        position = decode_number(cursor)
        async with transaction(context.engine) as connection:
            found = await history.changes(
                connection,
                principal.org_id,
                self._documents.kind,
                self._documents.type,
                document_id,
                before=position,
                limit=limit + 1,
            )
            known = [change.document for change in found if change.document is not None]
            unknown = not found and document_id not in self._documents.implied
            if unknown or (known and not self._documents.may_be_seen(principal, known[0])):
                raise NotFound(f"no {self._documents.noun} {document_id}")
            views = [self._view(context, principal, change) for change in found]
            if len(found) <= limit:
                views.append(None)  # before the first there was nothing
        changes, next_cursor = cut(found, limit, lambda change: str(change.revision))
        shown = []
        for index, change in enumerate(changes):
            changed = difference(_fields(views[index + 1]), _fields(views[index]))
            shown.append(
                {
                    "revision": change.revision,
                    "author": change.author,
                    "author_email": change.author_email,
                    "time": change.time,
                    "document": views[index],
                    "changed": list(dict.fromkeys(c.path.split("/")[1] for c in changed)),
                }
            )
        return shown, next_cursor

    async def read(
        self, context: Context, principal: Principal, document_id: str, revision: int
    ) -> Stamped:
        """One revision, whole. `NotFound` too where it deleted the document."""
        async with transaction(context.engine) as connection:
            found = await self._at(connection, principal, document_id, revision)
            view = await self._whole_view(connection, context, principal, found)
        if view is None:
            raise NotFound(f"revision {revision} deleted {document_id}")
        return view

    async def compare(
        self,
        context: Context,
        principal: Principal,
        document_id: str,
        revision: int,
        since: int | None,
    ) -> tuple[int | None, list[FieldChange]]:
        """What changed from the revision `since` (None: the one before) to `revision`."""
        async with transaction(context.engine) as connection:
            after = await self._at(connection, principal, document_id, revision)
            if since is not None:
                before: history.DocumentRevision[D] | None = await self._at(
                    connection, principal, document_id, since
                )
            else:
                earlier = await history.changes(
                    connection,
                    principal.org_id,
                    self._documents.kind,
                    self._documents.type,
                    document_id,
                    before=revision,
                    limit=1,
                )
                before = earlier[0] if earlier else None
            views = [
                None
                if change is None
                else await self._whole_view(connection, context, principal, change)
                for change in (before, after)
            ]
        changes = difference(_fields(views[0]), _fields(views[1]))
        return (before.revision if before else None), changes

    async def restore(
        self,
        context: Context,
        principal: Principal,
        document_id: str,
        revision: int,
        *,
        expected: int | None,
    ) -> Entry[D]:
        """Save the document as it was, as a new revision; one that was deleted is there again."""
        documents = self._documents
        async with changing(context, principal) as configuration:
            found = await self._at(configuration.connection, principal, document_id, revision)
            if found.document is None:
                raise Conflict(f"revision {revision} deleted it: restore one before")
            connection, org_id = configuration.connection, configuration.org_id
            current = await read(connection, org_id, documents.kind, documents.type, document_id)
            restored = await documents.whole(connection, org_id, self._entry(found, found.document))
            return await documents.commit(
                configuration,
                principal,
                before=current.document if current else None,
                after=restored.document,
                expected=expected,
            )

    async def _at(
        self, connection: AsyncConnection, principal: Principal, document_id: str, revision: int
    ) -> history.DocumentRevision[D]:
        found = await history.change_at(
            connection,
            principal.org_id,
            self._documents.kind,
            self._documents.type,
            document_id,
            revision,
        )
        if found is None or (
            found.document is not None
            and not self._documents.may_be_seen(principal, found.document)
        ):
            raise NotFound(f"no {self._documents.noun} {document_id} of revision {revision}")
        return found

    async def _whole_view(
        self,
        connection: AsyncConnection,
        context: Context,
        principal: Principal,
        change: history.DocumentRevision[D],
    ) -> Stamped | None:
        if change.document is None:
            return None
        entry = self._entry(change, change.document)
        entry = await self._documents.whole(connection, principal.org_id, entry)
        return self._resource.view_of(context, principal, entry)

    def _view(
        self, context: Context, principal: Principal, change: history.DocumentRevision[D]
    ) -> Stamped | None:
        if change.document is None:
            return None
        return self._resource.view_of(context, principal, self._entry(change, change.document))

    @staticmethod
    def _entry(change: history.DocumentRevision[D], document: D) -> Entry[D]:
        return Entry(
            document=document, revision=change.revision, author=change.author, time=change.time
        )


def _fields(view: Stamped | None) -> dict[str, Any] | None:
    if view is None:
        return None
    fields = view.model_dump(by_alias=True, mode="json")
    return {name: value for name, value in fields.items() if name not in _STAMP}


def as_json(changes: list[FieldChange]) -> list[dict[str, Any]]:
    """The changes as on this API's wire, without what an operation does not have."""
    shown = []
    for change in changes:
        fields: dict[str, Any] = {"op": change.op, "path": change.path}
        if change.op == "entries":
            fields |= {
                "added": list(change.added),
                "removed": list(change.removed),
                "added_count": change.added_count,
                "removed_count": change.removed_count,
            }
        if change.op in ("replace", "remove"):
            fields["old"] = msgspec.to_builtins(change.old)
        if change.op in ("replace", "add"):
            fields["new"] = msgspec.to_builtins(change.new)
        shown.append(fields)
    return shown
