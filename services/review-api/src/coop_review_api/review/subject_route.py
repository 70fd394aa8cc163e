"""The jobs of an item or a user.

GET /v1/items/{typeId}/{id}/jobs           whether an item is queued anywhere
GET /v1/users/{typeId}/{id}/jobs           the jobs about a user of the platform
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request

from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_review_api.http.authentication import requires
from coop_review_api.http.context import context_of
from coop_review_api.http.page import Cursor, Limit
from coop_review_api.kernel.principal import Principal
from coop_review_api.review.job_route import page_of
from coop_review_api.review.job_view import JobPage
from coop_review_api.review.search import JobFilter

router = APIRouter(prefix="/v1", tags=["jobs"])

_reviews = requires(Permission.VIEW_MRT, Permission.VIEW_INVESTIGATION)
Reviewer = Annotated[Principal, Depends(_reviews)]

State = Literal["PENDING", "CLOSED"]
TypeId = Annotated[str, Path(max_length=512)]
ItemId = Annotated[str, Path(max_length=512)]


@router.get(
    "/items/{type_id}/{item_id:path}/jobs", operation_id="listItemJobs", response_model=JobPage
)
async def list_item_jobs(
    request: Request,
    principal: Reviewer,
    type_id: TypeId,
    item_id: ItemId,
    state: State | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> JobPage:
    """The jobs of an item, newest first; with `state=PENDING` where it is queued now."""
    wanted = JobFilter(item_type_id=type_id, item_id=item_id, state=state, newest_first=True)
    return await page_of(request, principal, wanted, cursor, limit)


@router.get(
    "/users/{type_id}/{user_id:path}/jobs", operation_id="listUserJobs", response_model=JobPage
)
async def list_user_jobs(
    request: Request,
    principal: Reviewer,
    type_id: TypeId,
    user_id: ItemId,
    days: Annotated[int, Query(ge=1, le=365)] = 7,
    state: State | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> JobPage:
    """The jobs about a user of the platform, and about what they made, that came within so many
    days; newest first."""
    since = context_of(request).clock() - timedelta(days=days)
    user = ItemRef(id=user_id, type_id=type_id)
    wanted = JobFilter(subject=user, state=state, enqueued_from=since, newest_first=True)
    return await page_of(request, principal, wanted, cursor, limit)
