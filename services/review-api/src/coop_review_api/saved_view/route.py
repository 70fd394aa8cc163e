"""Views of a page (its filters, columns, charts) that somebody saved for everybody.

    GET                /v1/views         ?page= : those of a page
    GET, PUT, DELETE   /v1/views/{id}    ETag, If-Match; the id is the maker's to choose

Must not: show what a view shows: whoever opens it asks for that.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field, JsonValue

from coop_review_api.http.authentication import signed_in
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of
from coop_review_api.http.etag import etag_of, expected_revision
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.http.route import IF_MATCH
from coop_review_api.kernel.principal import Principal
from coop_review_api.saved_view import store
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["views"])

Anyone = Annotated[Principal, Depends(signed_in)]
ViewId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
PageName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9._-]{0,63}$")]


class SharedViewBody(Body):
    """`page` is what the console calls the page; `value` is the page's own, 16 KB at most."""

    page: PageName
    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"\S")]
    value: JsonValue


class SharedView(Model):
    """A view that everybody sees. `revision` counts its changes: send it as If-Match."""

    id: str
    page: str
    name: str
    value: JsonValue
    revision: int
    created_by: str
    created_by_person: PersonBeside = None
    created_at: datetime
    updated_by: str
    updated_by_person: PersonBeside = None
    updated_at: datetime


class SharedViewPage(Model):
    """By id."""

    items: list[SharedView]
    next_cursor: str | None = None


_body = JsonBody(SharedViewBody)


@router.get("/views", operation_id="listSharedViews", response_model=SharedViewPage)
async def list_shared_views(
    request: Request,
    principal: Anyone,
    page: Annotated[str | None, Query(max_length=64, description="Of this page alone.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> SharedViewPage:
    """The views that people saved for everybody."""
    after = decode_cursor(cursor)
    async with transaction(context_of(request).engine) as connection:
        found = await store.page(
            connection, principal.org_id, of_page=page, after=after, limit=limit + 1
        )
    rows, next_cursor = cut(list(found), limit, lambda row: str(row.view_id))
    return SharedViewPage(items=[_view(row) for row in rows], next_cursor=next_cursor)


@router.get("/views/{view_id}", operation_id="getSharedView", response_model=SharedView)
async def get_shared_view(
    request: Request, response: Response, principal: Anyone, view_id: ViewId
) -> SharedView:
    """One of them."""
    async with transaction(context_of(request).engine) as connection:
        row = await store.find(connection, principal.org_id, view_id)
    response.headers["ETag"] = etag_of(row.revision)
    return _view(row)


@router.put(
    "/views/{view_id}",
    operation_id="putSharedView",
    response_model=SharedView,
    openapi_extra=_body.openapi(),
)
async def put_shared_view(
    request: Request,
    response: Response,
    principal: Anyone,
    view_id: ViewId,
    body: Annotated[SharedViewBody, Depends(_body)],
    if_match: str | None = IF_MATCH,
) -> SharedView:
    """Save a view for everybody: a new one, or in place of mine. `If-Match: "0"`: only a new
    one."""
    context, expected = context_of(request), expected_revision(if_match)
    async with transaction(context.engine) as connection:
        row = await store.put(
            connection,
            principal,
            view_id,
            of_page=body.page,
            name=body.name,
            value=body.value,
            expected=expected,
            now=context.clock(),
        )
    response.headers["ETag"] = etag_of(row.revision)
    return _view(row)


@router.delete("/views/{view_id}", operation_id="deleteSharedView", status_code=204)
async def delete_shared_view(
    request: Request, principal: Anyone, view_id: ViewId, if_match: str | None = IF_MATCH
) -> Response:
    """Delete one of mine."""
    context, expected = context_of(request), expected_revision(if_match)
    async with transaction(context.engine) as connection:
        await store.remove(connection, principal, view_id, expected=expected, now=context.clock())
    return Response(status_code=204)


def _view(row: Any) -> SharedView:
    return SharedView(
        id=row.view_id,
        page=row.page,
        name=row.name,
        value=msgspec.json.decode(row.value),
        revision=row.revision,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_by=row.updated_by,
        updated_at=row.updated_at,
    )
