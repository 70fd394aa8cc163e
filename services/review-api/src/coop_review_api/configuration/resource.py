"""A kind of configuration document on this API's wire: its path, body, view and permissions.

Guarantees: a view is made of the document's JSON and nothing else, so that what a kind hides is
said in one place.
Must not: say what a change does; `document_kind` does. Hold rules of a kind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Document
from coop_review_api.configuration.document_kind import DocumentKind
from coop_review_api.configuration.document_model import Stamped
from coop_review_api.configuration.log import Entry
from coop_review_api.http.authentication import Access
from coop_review_api.http.body import Body
from coop_review_api.http.context import Context
from coop_review_api.kernel.error import Fault
from coop_review_api.kernel.principal import Principal

D = TypeVar("D", bound=Document)


@dataclass(frozen=True, kw_only=True)
class Presentation(Generic[D]):
    """A document that is shown to somebody. `fields` are its JSON."""

    context: Context
    principal: Principal
    document: D
    fields: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Written(Generic[D]):
    """A document that somebody saved or reads, whole, within a transaction."""

    context: Context
    connection: AsyncConnection
    principal: Principal
    document: D


Weigh = Callable[[Context, Principal, str | None, Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""Of a document as it was sent, under the id that it has; may raise `Invalid`."""


@dataclass(frozen=True, kw_only=True)
class Resource(Generic[D]):
    """A kind of document as a resource under `/v1/<path>`. `plural` is in names of operations
    (`listPolicies`). `deletes`: by the route that all kinds share.

    `present` gives the fields of the view where they are not the document's. `listed` is what a
    list says of documents of an organisation beside what is in them: fields of the view, by id.
    `warned` is what the author of one should know, though it is saved: the view's `warnings`.
    `weighed` is what one costs, measured before it is saved: more fields of the view.
    """

    documents: DocumentKind[D]
    path: str
    plural: str
    body: type[Body]
    view: type[Stamped]
    read: Access
    write: Access
    deletes: bool = True
    present: Callable[[Presentation[D]], dict[str, Any]] | None = None
    listed: (
        Callable[[AsyncConnection, str, Sequence[D]], Awaitable[dict[str, dict[str, Any]]]] | None
    ) = None
    warned: Callable[[Written[D]], Awaitable[list[Fault]]] | None = None
    weighed: Weigh | None = None

    @property
    def noun(self) -> str:
        """In names of operations (`createPolicy`)."""
        return self.documents.noun

    async def warnings(self, written: Written[D]) -> dict[str, Any]:
        """The field of the view, where there is one."""
        if self.warned is None:
            return {}
        return {"warnings": [fault._asdict() for fault in await self.warned(written)]}

    def view_of(
        self,
        context: Context,
        principal: Principal,
        entry: Entry[D],
        more: Mapping[str, Any] | None = None,
    ) -> Stamped:
        """The document as it is shown; `more` are fields in place of its own."""
        fields: dict[str, Any] = msgspec.to_builtins(entry.document)
        if self.present is not None:
            fields = self.present(
                Presentation(
                    context=context, principal=principal, document=entry.document, fields=fields
                )
            )
        stamp = {"revision": entry.revision, "updatedAt": entry.time, "updatedBy": entry.author}
        # As JSON: nested parts are the strict models of bodies, which take no Python values.
        shown = {**fields, **stamp, **(more or {})}
        return self.view.model_validate_json(msgspec.json.encode(shown))


def fields_of(body: Body) -> dict[str, Any]:
    """A body as JSON, without an id: what `DocumentKind.save` takes."""
    return body.model_dump(by_alias=True, mode="json", exclude={"id"})


def id_of(body: Body) -> str | None:
    """The id that the caller has for a document."""
    found: str | None = getattr(body, "id", None)
    return found
