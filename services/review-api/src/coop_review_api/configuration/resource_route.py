"""The routes of a configuration resource, the same for every kind.

    GET    /v1/<path>                list, paged
    POST   /v1/<path>                create, under a given id    201, ETag; 409 for one used before
    GET    /v1/<path>/{id}           read                        ETag
    PUT    /v1/<path>/{id}           replace; If-Match optional  ETag, 412 when changed meanwhile
    DELETE /v1/<path>/{id}           delete; If-Match optional   204, 409 naming what uses it
    …      /v1/<path>/{id}/revisions see `configuration.revision_route`

Must not: decide anything; `configuration.document_kind` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.document_model import Stamped
from coop_review_api.configuration.log import Entry
from coop_review_api.configuration.resource import Resource, Written, fields_of, id_of
from coop_review_api.configuration.revision_route import add_revisions
from coop_review_api.http.body import JsonBody, ReplacingBody, check_shown
from coop_review_api.http.conditional import TAGGED
from coop_review_api.http.context import Context, context_of
from coop_review_api.http.etag import etag_of, expected_revision
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.route import IF_MATCH, add_route, model_of
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction


def page_model(view: type[Stamped]) -> Any:
    """The model of a page: `items`, and the cursor of the next page or null."""
    name = view.__name__.removesuffix("View")
    cursor = (str | None, None)
    return model_of(f"{name}Page", "Some of them.", items=(list[view], ...), next_cursor=cursor)  # type: ignore[valid-type]


def add_resource(router: APIRouter, resource: Resource[Any]) -> None:
    """Add a resource's routes."""
    add_reading(router, resource)
    _add_writing(router, resource)
    add_revisions(router, resource)


def add_reading(router: APIRouter, resource: Resource[Any]) -> None:
    """Add listing and reading one, for a resource that is written in a way of its own."""
    page = page_model(resource.view)
    reader = Depends(resource.read)

    async def list_all(
        request: Request,
        limit: Limit = 50,
        cursor: Cursor = None,
        principal: Principal = reader,
    ) -> Any:
        context = context_of(request)
        items, next_cursor = await _page(context, principal, resource, limit=limit, cursor=cursor)
        return page(items=items, next_cursor=next_cursor)

    async def read_one(
        request: Request,
        response: Response,
        document_id: str,
        principal: Principal = reader,
    ) -> Any:
        context, documents = context_of(request), resource.documents
        async with transaction(context.engine) as connection:
            entry = await documents.read(connection, principal, document_id)
            entry = await documents.whole(connection, principal.org_id, entry)
            more = await _warnings(context, connection, principal, resource, entry)
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


async def _page(
    context: Context,
    principal: Principal,
    resource: Resource[Any],
    *,
    limit: int,
    cursor: str | None,
) -> tuple[list[Stamped], str | None]:
    documents, after = resource.documents, decode_cursor(cursor)
    async with transaction(context.engine) as connection:
        found = await documents.page(connection, principal.org_id, after=after, limit=limit + 1)
        entries, next_cursor = cut(found, limit, lambda entry: str(entry.document.id))
        seen = [one for one in entries if documents.may_be_seen(principal, one.document)]
        more: dict[str, dict[str, Any]] = {}
        if resource.listed is not None:
            more = await resource.listed(
                connection, principal.org_id, [one.document for one in seen]
            )
    shown = [resource.view_of(context, principal, one, more.get(one.document.id)) for one in seen]
    return shown, next_cursor


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
            more = await _warnings(context, configuration.connection, principal, resource, entry)
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
            more = await _warnings(context, configuration.connection, principal, resource, entry)
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
