"""The routes of a configuration resource, the same for every kind.

    GET    /v1/<path>                list, paged; by words, in an order, with what uses each
    POST   /v1/<path>                create, under a given id    201, ETag; 409 for one used before
    GET    /v1/<path>/{id}           read                        ETag
    PUT    /v1/<path>/{id}           replace; If-Match optional  ETag, 412 when changed meanwhile
    DELETE /v1/<path>/{id}           delete; If-Match optional   204, 409 naming what uses it
    …      /v1/<path>/{id}/revisions see `configuration.revision_route`

Must not: decide anything; `configuration.document_kind` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.configuration import listing
from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.document_model import Stamped
from coop_review_api.configuration.listing import DocumentListing
from coop_review_api.configuration.log import Entry
from coop_review_api.configuration.resource import Resource, Written, fields_of, id_of
from coop_review_api.configuration.revision_route import add_revisions
from coop_review_api.configuration.usage import Readers, usages
from coop_review_api.http.body import JsonBody, ReplacingBody, check_shown
from coop_review_api.http.conditional import TAGGED
from coop_review_api.http.context import Context, context_of
from coop_review_api.http.etag import etag_of, expected_revision
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.query import QueryModel
from coop_review_api.http.route import IF_MATCH, add_route, model_of
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction

NOBODY_REFERS: Final[Readers] = {}


def page_model(view: type[Stamped]) -> Any:
    """The model of a page: `items`, and the cursor of the next page or null."""
    name = view.__name__.removesuffix("View")
    cursor = (str | None, None)
    return model_of(f"{name}Page", "Some of them.", items=(list[view], ...), next_cursor=cursor)  # type: ignore[valid-type]


def add_resource(router: APIRouter, resource: Resource[Any], readers: Readers) -> None:
    """Add a resource's routes. `readers`: who reads the documents that may refer to its own."""
    add_reading(router, resource, readers)
    _add_writing(router, resource)
    add_revisions(router, resource)


class DocumentQuery(QueryModel):
    """What is listed, and with what. `q`: words of the name, or the id. Without `sort` the order is
    that of ids; `updated` and `created` are newest first. `include=usage`: what uses each."""

    q: str | None = Field(None, min_length=1, max_length=255)
    sort: Literal["name", "updated", "created"] | None = None
    include: Literal["usage"] | None = None


class ReadQuery(QueryModel):
    """`include=usage`: what uses it."""

    include: Literal["usage"] | None = None


def add_reading(
    router: APIRouter, resource: Resource[Any], readers: Readers = NOBODY_REFERS
) -> None:
    """Add listing and reading one, for a resource that is written in a way of its own."""
    page = page_model(resource.view)
    reader = Depends(resource.read)

    async def list_all(
        request: Request,
        query: Annotated[DocumentQuery, Query()],
        limit: Limit = 50,
        cursor: Cursor = None,
        principal: Principal = reader,
    ) -> Any:
        wanted = _Wanted(
            listing=DocumentListing(words=query.q, sort=query.sort or "id"),
            readers=readers if query.include == "usage" else None,
            after=decode_cursor(cursor),
            limit=limit,
        )
        items, next_cursor = await _page(context_of(request), principal, resource, wanted)
        return page(items=items, next_cursor=next_cursor)

    async def read_one(
        request: Request,
        response: Response,
        document_id: str,
        query: Annotated[ReadQuery, Query()],
        principal: Principal = reader,
    ) -> Any:
        context, documents = context_of(request), resource.documents
        shown_to = readers if query.include == "usage" else None
        async with transaction(context.engine) as connection:
            entry = await documents.read(connection, principal, document_id)
            entry = await documents.whole(connection, principal.org_id, entry)
            more = await _warnings(context, connection, principal, resource, entry)
            beside = await _beside(connection, principal, resource, [document_id], shown_to)
            more |= beside.get(document_id, {})
        response.headers["ETag"] = etag_of(entry.revision)
        return resource.view_of(context, principal, entry, more)

    add_route(
        router,
        f"/{resource.path}",
        list_all,
        "GET",
        f"list{resource.plural}",
        page,
        openapi_extra={TAGGED: True},
    )
    add_route(
        router,
        f"/{resource.path}/{{document_id}}",
        read_one,
        "GET",
        f"get{resource.noun}",
        resource.view,
    )


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """A page of a list. `readers` None: without what uses each."""

    listing: DocumentListing
    readers: Readers | None
    after: str | None
    limit: int


async def _page(
    context: Context, principal: Principal, resource: Resource[Any], wanted: _Wanted
) -> tuple[list[Stamped], str | None]:
    documents, org_id = resource.documents, principal.org_id
    async with transaction(context.engine) as connection:
        found = await listing.page(
            connection,
            documents,
            org_id,
            wanted.listing,
            after=wanted.after,
            limit=wanted.limit + 1,
        )
        listed, next_cursor = cut(found, wanted.limit, lambda one: one.spot.position())
        entries = [one.entry for one in listed]
        seen = [one for one in entries if documents.may_be_seen(principal, one.document)]
        ids = [str(one.document.id) for one in seen]
        more = await _beside(connection, principal, resource, ids, wanted.readers)
        if resource.listed is not None:
            counted = await resource.listed(connection, org_id, [one.document for one in seen])
            for document_id, fields in counted.items():
                more.setdefault(document_id, {}).update(fields)
    shown = [resource.view_of(context, principal, one, more.get(one.document.id)) for one in seen]
    return shown, next_cursor


async def _beside(
    connection: AsyncConnection,
    principal: Principal,
    resource: Resource[Any],
    ids: Sequence[str],
    readers: Readers | None,
) -> dict[str, dict[str, Any]]:
    """When and by whom each was made, and, where that was asked for, what uses it; by id."""
    kind = resource.documents.kind
    made = await listing.makings(connection, principal.org_id, kind, ids)
    fields: dict[str, dict[str, Any]] = {
        document_id: {"createdAt": one.time, "createdBy": one.author}
        for document_id, one in made.items()
    }
    if readers is not None:
        for document_id, usage in (await usages(connection, principal, kind, ids, readers)).items():
            fields.setdefault(document_id, {}).update(
                usedBy=[asdict(user) for user in usage.users], usedByCount=usage.count
            )
    return fields


async def _of_written(
    context: Context,
    connection: AsyncConnection,
    principal: Principal,
    resource: Resource[Any],
    entry: Entry[Any],
) -> dict[str, Any]:
    """Who made it, when; and what its author should know."""
    document_id = str(entry.document.id)
    beside = await _beside(connection, principal, resource, [document_id], None)
    return {
        **beside.get(document_id, {}),
        **await _warnings(context, connection, principal, resource, entry),
    }


async def _warnings(
    context: Context,
    connection: AsyncConnection,
    principal: Principal,
    resource: Resource[Any],
    entry: Entry[Any],
) -> dict[str, Any]:
    written = Written(
        context=context, connection=connection, principal=principal, document=entry.document
    )
    return await resource.warnings(written)


async def _weight(
    context: Context,
    principal: Principal,
    resource: Resource[Any],
    document_id: str | None,
    fields: Mapping[str, Any],
) -> dict[str, Any]:
    """Before the organisation's lock is taken: measuring takes a while."""
    if resource.weighed is None:
        return {}
    return await resource.weighed(context, principal, document_id, fields)


def _add_writing(router: APIRouter, resource: Resource[Any]) -> None:
    documents = resource.documents
    body_of = JsonBody(resource.body)
    writer, sent = Depends(resource.write), Depends(body_of)
    sent_back = Depends(ReplacingBody(resource.body, resource.view))

    async def create(
        request: Request,
        response: Response,
        principal: Principal = writer,
        body: Any = sent,
    ) -> Any:
        context, fields = context_of(request), fields_of(body)
        weight = await _weight(context, principal, resource, None, fields)
        async with changing(context, principal) as configuration:
            entry = await documents.save(
                configuration,
                principal,
                fields=fields,
                document_id=None,
                given_id=id_of(body),
                expected=None,
                vault=context.vault,
            )
            more = await _of_written(context, configuration.connection, principal, resource, entry)
        response.headers["ETag"] = etag_of(entry.revision)
        response.headers["Location"] = f"/v1/{resource.path}/{entry.document.id}"
        return resource.view_of(context, principal, entry, {**more, **weight})

    async def replace(
        request: Request,
        response: Response,
        document_id: str,
        principal: Principal = writer,
        body: Any = sent_back,
        if_match: str | None = IF_MATCH,
    ) -> Any:
        context, expected = context_of(request), expected_revision(if_match)
        if id_of(body) not in (None, document_id):
            raise Invalid([Fault("/id", "is not the id of this document")])
        fields = fields_of(body)
        weight = await _weight(context, principal, resource, document_id, fields)
        async with changing(context, principal) as configuration:
            entry = await documents.save(
                configuration,
                principal,
                fields=fields,
                document_id=document_id,
                expected=expected,
                vault=context.vault,
            )
            more = await _of_written(context, configuration.connection, principal, resource, entry)
            shown = resource.view_of(context, principal, entry, {**more, **weight})
            check_shown(request, shown, apart={*more, *weight})
        response.headers["ETag"] = etag_of(entry.revision)
        return shown

    async def delete(
        request: Request,
        document_id: str,
        principal: Principal = writer,
        if_match: str | None = IF_MATCH,
    ) -> Response:
        expected = expected_revision(if_match)
        async with changing(context_of(request), principal) as configuration:
            await documents.delete(configuration, principal, document_id, expected=expected)
        return Response(status_code=204)

    one = f"/{resource.path}/{{document_id}}"
    noun = resource.noun
    made = {"status_code": 201, "openapi_extra": body_of.openapi()}
    add_route(router, f"/{resource.path}", create, "POST", f"create{noun}", resource.view, **made)
    add_route(
        router,
        one,
        replace,
        "PUT",
        f"replace{noun}",
        resource.view,
        openapi_extra=body_of.openapi(),
    )
    if resource.deletes:
        add_route(router, one, delete, "DELETE", f"delete{noun}", None, status_code=204)
