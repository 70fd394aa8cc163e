"""The routes of a configuration resource, the same for every kind.

    GET    /v1/<path>                list, paged
    POST   /v1/<path>                create                      201, ETag
    GET    /v1/<path>/{id}           read                        ETag
    PUT    /v1/<path>/{id}           replace; If-Match optional  ETag, 412 when changed meanwhile
    DELETE /v1/<path>/{id}           delete; If-Match optional   204, 409 naming what uses it
    …      /v1/<path>/{id}/revisions see `configuration.revision_route`

Must not: decide anything; `configuration.resource` does.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from coop_review_api.configuration.document_model import Stamped
from coop_review_api.configuration.resource import Handlers, Resource, etag_of, expected_revision
from coop_review_api.configuration.revision_route import add_revisions
from coop_review_api.http.body import JsonBody
from coop_review_api.http.context import context_of
from coop_review_api.http.page import Cursor, Limit
from coop_review_api.http.route import IF_MATCH, add_route, model_of
from coop_review_api.kernel.principal import Principal


def page_model(view: type[Stamped]) -> Any:
    """The model of a page: `items`, and the cursor of the next page or null."""
    name = view.__name__.removesuffix("View")
    cursor = (str | None, None)
    return model_of(f"{name}Page", "Some of them.", items=(list[view], ...), next_cursor=cursor)  # type: ignore[valid-type]


def add_resource(router: APIRouter, resource: Resource[Any, Any]) -> None:
    """Add a resource's routes."""
    add_reading(router, resource)
    _add_writing(router, resource)
    add_revisions(router, resource)


def add_reading(router: APIRouter, resource: Resource[Any, Any]) -> None:
    """Add listing and reading one, for a resource that is written in a way of its own."""
    handlers = Handlers(resource)
    page = page_model(resource.view)
    reader = Depends(resource.read)

    async def list_all(
        request: Request,
        limit: Limit = 50,
        cursor: Cursor = None,
        principal: Principal = reader,
    ) -> Any:
        items, next_cursor = await handlers.page(request, principal, limit, cursor)
        return page(items=items, next_cursor=next_cursor)

    async def read_one(
        request: Request,
        response: Response,
        document_id: str,
        principal: Principal = reader,
    ) -> Any:
        entry = await handlers.read(request, principal, document_id)
        entry = await handlers.whole(request, principal, entry)
        response.headers["ETag"] = etag_of(entry.revision)
        return resource.view_of(context_of(request), principal, entry)

    add_route(router, f"/{resource.path}", list_all, "GET", f"list{resource.plural}", page)
    add_route(
        router,
        f"/{resource.path}/{{document_id}}",
        read_one,
        "GET",
        f"get{resource.noun}",
        resource.view,
    )


def _add_writing(router: APIRouter, resource: Resource[Any, Any]) -> None:
    handlers = Handlers(resource)
    body_of = JsonBody(resource.body)
    writer, sent = Depends(resource.write), Depends(body_of)

    async def create(
        request: Request,
        response: Response,
        principal: Principal = writer,
        body: Any = sent,
    ) -> Any:
        entry = await handlers.save(request, principal, None, body, expected=None)
        response.headers["ETag"] = etag_of(entry.revision)
        response.headers["Location"] = f"/v1/{resource.path}/{entry.document.id}"
        return resource.view_of(context_of(request), principal, entry)

    async def replace(
        request: Request,
        response: Response,
        document_id: str,
        principal: Principal = writer,
        body: Any = sent,
        if_match: str | None = IF_MATCH,
    ) -> Any:
        expected = expected_revision(if_match)
        entry = await handlers.save(request, principal, document_id, body, expected=expected)
        response.headers["ETag"] = etag_of(entry.revision)
        return resource.view_of(context_of(request), principal, entry)

    async def delete(
        request: Request,
        document_id: str,
        principal: Principal = writer,
        if_match: str | None = IF_MATCH,
    ) -> Response:
        await handlers.delete(request, principal, document_id, expected=expected_revision(if_match))
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
