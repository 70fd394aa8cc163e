"""Finding jobs.

    GET /v1/jobs        search

Guarantees: who may not see a job gets what they get for one that does not exist.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AwareDatetime, Field

from coop_contracts.event import ItemRef, Source
from coop_contracts.permission import Permission
from coop_review_api.http.authentication import requires
from coop_review_api.http.context import context_of
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.query import QueryModel
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import search as job_search
from coop_review_api.review.job_view import (
    JobCountView,
    JobPage,
    JobPreviewMediaView,
    JobPreviewView,
    ListedJobView,
    summary_view,
)
from coop_review_api.review.search import JobFilter, Listed, Sort

router = APIRouter(prefix="/v1", tags=["jobs"])

_reviews = requires(Permission.VIEW_MRT)
Reviewer = Annotated[Principal, Depends(_reviews)]

State = Literal["PENDING", "CLOSED"]
TypeId = Annotated[str, Path(max_length=512)]
ItemId = Annotated[str, Path(max_length=512)]


class JobQuery(QueryModel):
    """Which jobs to find: all that is given holds."""

    kind: Literal["DEFAULT", "NCMEC", "APPEAL"] | None = None
    state: State | None = None
    source: Source | None = None
    policy_id: str | None = Field(None, max_length=128)
    queue_id: str | None = Field(None, max_length=128)
    item_type_id: str | None = Field(None, max_length=128)
    item_id: str | None = Field(None, max_length=512)
    item_id_prefix: str | None = Field(None, min_length=3, max_length=512)
    reporter_type_id: str | None = Field(None, max_length=512)
    reporter_id: str | None = Field(None, max_length=512)
    user_type_id: str | None = Field(None, max_length=512)
    user_id: str | None = Field(None, max_length=512)
    lease_holder: str | None = Field(None, alias="leaseHolderId", max_length=128)
    kept_for: str | None = Field(None, alias="keptForId", max_length=128)
    enqueued_from: AwareDatetime | None = None
    enqueued_to: AwareDatetime | None = None
    created_from: AwareDatetime | None = None
    created_to: AwareDatetime | None = None
    deadline_to: AwareDatetime | None = None
    overdue: bool | None = None
    newest_first: bool = False
    sort: Sort = "age"
    include: Literal["preview"] | None = None
    count: bool = False


def filter_of(query: Annotated[JobQuery, Query()]) -> JobFilter:
    """What is searched for. Raises `Invalid`."""
    pairs = {"reporter_type_id", "reporter_id", "user_type_id", "user_id", "include", "count"}
    return JobFilter(
        **query.model_dump(exclude=pairs),
        reporter=pair("reporter", query.reporter_type_id, query.reporter_id),
        subject=pair("user", query.user_type_id, query.user_id),
    )


def pair(name: str, type_id: str | None, found_id: str | None) -> ItemRef | None:
    """A reference of two parameters, `<name>TypeId` and `<name>Id`. Raises `Invalid` for half."""
    if (type_id is None) != (found_id is None):
        raise Invalid([Fault(f"#/query/{name}Id", f"{name}TypeId and {name}Id are given together")])
    if type_id is None or found_id is None:
        return None
    return ItemRef(id=found_id, type_id=type_id)


@router.get("/jobs", operation_id="listJobs", response_model=JobPage)
async def list_jobs(
    request: Request,
    principal: Reviewer,
    query: Annotated[JobQuery, Query()],
    wanted: Annotated[JobFilter, Depends(filter_of)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> JobPage:
    """Jobs of the queues that are open to me, in the order they came or the other way round; with
    `sort` and `queueId` what waits in a queue, as it is handed out (`handout`), what is due first
    (`deadline`), or the gravest first (`severity`). A job is about the user who made its item, or
    who is it. `overdue`: pending past the deadline. `include=preview`: a glance at each.
    `count=true`: how many there are, up to 1,000."""
    page = await page_of(
        request, principal, wanted, cursor, limit, preview=query.include == "preview"
    )
    if query.count:
        context = context_of(request)
        found = await job_search.count(context.engine, principal, wanted, clock=context.clock)
        most = job_search.COUNTED
        counted = JobCountView(value=min(found, most), more=found > most)
        return page.model_copy(update={"count": counted})
    return page


async def page_of(
    request: Request,
    principal: Principal,
    wanted: JobFilter,
    cursor: str | None,
    limit: int,
    *,
    preview: bool = False,
) -> JobPage:
    """A page of what was found."""
    context = context_of(request)
    found = await job_search.search(
        context.engine,
        principal,
        wanted,
        after=decode_cursor(cursor),
        limit=limit,
        clock=context.clock,
        preview=preview,
    )
    page, next_cursor = cut(found, limit, lambda one: job_search.position_of(one, wanted.sort))
    return JobPage(items=[_listed(one) for one in page], next_cursor=next_cursor)


def _listed(one: Listed) -> ListedJobView:
    shown = one.preview
    return ListedJobView(
        **dict(summary_view(one.job)),
        skipped_until=one.skipped_until,
        preview=None
        if shown is None
        else JobPreviewView(text=shown.text, media=JobPreviewMediaView(count=shown.media)),
    )
