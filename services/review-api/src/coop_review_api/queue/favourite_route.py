"""Queues that somebody marked for themselves."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from coop_contracts.permission import Permission
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of
from coop_review_api.kernel.principal import Principal
from coop_review_api.queue import favourite
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["queues"])

Editor = Annotated[Principal, Depends(requires(Permission.EDIT_MRT_QUEUES))]
Manager = Annotated[Principal, Depends(requires(Permission.MANAGE_ORG))]
Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]


class FavouriteList(Model):
    """Ids of queues, the first marked first."""

    items: list[str]


@router.get("/favourites", operation_id="listFavourites", response_model=FavouriteList)
async def list_favourites(request: Request, principal: Reviewer) -> Any:
    """The queues that I marked."""
    async with transaction(context_of(request).engine) as connection:
        return FavouriteList(items=await favourite.listed(connection, principal))


@router.put("/queues/{queue_id}/favourite", operation_id="markFavourite", status_code=204)
async def mark_favourite(request: Request, principal: Reviewer, queue_id: str) -> Response:
    """Mark a queue for myself."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        await favourite.mark(connection, principal, queue_id, now=context.clock())
    return Response(status_code=204)


@router.delete("/queues/{queue_id}/favourite", operation_id="unmarkFavourite", status_code=204)
async def unmark_favourite(request: Request, principal: Reviewer, queue_id: str) -> Response:
    """Mark it no longer."""
    async with transaction(context_of(request).engine) as connection:
        await favourite.unmark(connection, principal, queue_id)
    return Response(status_code=204)
