"""One search over everything.

GET /v1/search?q=
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from coop_review_api.http.authentication import signed_in
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of
from coop_review_api.http.query import QueryModel
from coop_review_api.kernel.principal import Principal
from coop_review_api.search import search
from coop_review_api.search.hit import HitKind

router = APIRouter(prefix="/v1", tags=["search"])


class SearchQuery(QueryModel):
    """`q`: an id, the beginning of an item's id, or a part of a name."""

    q: Annotated[str, Field(min_length=1, max_length=512, pattern=r"\S")]


class HitView(Model):
    """`name` is what people call it, or its id. `typeId` is that of an item or a user, of a job
    that of its item; `itemId` is the item of a job, `queueId` the queue of a job or a decision."""

    kind: HitKind
    id: str
    name: str
    type_id: str | None
    item_id: str | None
    queue_id: str | None


class HitList(Model):
    """At most five of each kind, kind after kind."""

    items: list[HitView]


@router.get("/search", operation_id="search", response_model=HitList)
async def find(
    request: Request,
    principal: Annotated[Principal, Depends(signed_in)],
    query: Annotated[SearchQuery, Query()],
) -> HitList:
    """Whatever has this id or name, of what I may see."""
    found = await search.search(context_of(request), principal, query.q.strip())
    return HitList(items=[HitView.model_validate(hit, from_attributes=True) for hit in found])
