"""The erasure of end users: asked for, followed, reported.

Guarantees: who may ask is said by a permission of its own; an answer never says an erased user's
id.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_review_api.configuration.document_model import Id
from coop_review_api.erasure import lookup
from coop_review_api.erasure import request as asking
from coop_review_api.erasure.view import (
    ErasedUserPage,
    ErasurePage,
    ErasureState,
    ErasureView,
    erasure_view,
    summary_view,
    user_view,
)
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody
from coop_review_api.http.context import context_of
from coop_review_api.http.page import MAX_INTEGER, Cursor, Limit, cut, decode_cursor, decode_number
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["erasures"])

_MAX_ID = 512
_MAX_REASON = 500

_erases = requires(Permission.ERASE_END_USERS)
Eraser = Annotated[Principal, Depends(_erases)]


class EndUserBody(Body):
    """A user of the platform, as it names them."""

    type_id: Id
    id: Annotated[str, Field(min_length=1, max_length=_MAX_ID)]


class ErasureBody(Body):
    """Whom to erase. `reason` is kept with the report: name nobody in it."""

    users: Annotated[list[EndUserBody], Field(min_length=1, max_length=asking.MAX_USERS)]
    reason: Annotated[str, Field(max_length=_MAX_REASON)] | None = None


_body = JsonBody(ErasureBody)


@router.post(
    "/erasures",
    operation_id="createErasure",
    response_model=ErasureView,
    status_code=201,
    openapi_extra=_body.openapi(),
)
async def create_erasure(
    request: Request, principal: Eraser, body: Annotated[ErasureBody, Depends(_body)]
) -> ErasureView:
    """Erase end users of the platform: everything that they sent until now, and what was said of
    it. It cannot be taken back. It takes two hours, for what is on its way."""
    context = context_of(request)
    users = [ItemRef(user.id, user.type_id) for user in body.users]
    async with transaction(context.engine) as connection:
        erasure_id = await asking.create(
            connection,
            principal,
            users,
            reason=body.reason,
            vault=context.vault,
            now=context.clock(),
        )
        return await _view(connection, principal, erasure_id)


@router.get("/erasures", operation_id="listErasures", response_model=ErasurePage)
async def list_erasures(
    request: Request,
    principal: Eraser,
    state: ErasureState | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ErasurePage:
    """Erasures, the newest first; of one state, where it is named."""
    before = decode_cursor(cursor)
    async with transaction(context_of(request).engine) as connection:
        rows = await lookup.page(
            connection, principal.org_id, state=state, before=before, limit=limit + 1
        )
    page, next_cursor = cut(rows, limit, lambda row: str(row.erasure_id))
    return ErasurePage(items=[summary_view(row) for row in page], next_cursor=next_cursor)


@router.get("/erasures/{erasure_id}", operation_id="getErasure", response_model=ErasureView)
async def get_erasure(request: Request, principal: Eraser, erasure_id: str) -> ErasureView:
    """How far it is; what went, what stayed and why."""
    async with transaction(context_of(request).engine) as connection:
        return await _view(connection, principal, erasure_id)


@router.get(
    "/erasures/{erasure_id}/users",
    operation_id="listErasedUsers",
    response_model=ErasedUserPage,
)
async def list_erased_users(
    request: Request, principal: Eraser, erasure_id: str, limit: Limit = 50, cursor: Cursor = None
) -> ErasedUserPage:
    """What became of each user, by who stands in for them."""
    after = decode_number(cursor, most=MAX_INTEGER)
    async with transaction(context_of(request).engine) as connection:
        row = await lookup.find(connection, principal.org_id, erasure_id)
        rows = await lookup.users(connection, row.erasure_id, after=after, limit=limit + 1)
    page, next_cursor = cut(rows, limit, lambda one: str(one.position))
    child_safety = principal.may(Permission.VIEW_CHILD_SAFETY_DATA)
    items = [user_view(one, child_safety=child_safety) for one in page]
    return ErasedUserPage(items=items, next_cursor=next_cursor)


async def _view(connection: AsyncConnection, principal: Principal, erasure_id: str) -> ErasureView:
    row = await lookup.find(connection, principal.org_id, erasure_id)
    counts, waiting, grave = await lookup.sums(connection, row.erasure_id)
    seen = grave if principal.may(Permission.VIEW_CHILD_SAFETY_DATA) else None
    return erasure_view(row, counts, waiting=waiting, grave=seen)
