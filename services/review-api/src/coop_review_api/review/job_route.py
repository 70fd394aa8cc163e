"""Finding jobs.

    GET /v1/jobs        search

Guarantees: who may not see a job gets what they get for one that does not exist.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AwareDatetime

from coop_contracts.event import ItemRef, Source
from coop_contracts.permission import Permission
from coop_review_api.http.authentication import requires
from coop_review_api.http.context import context_of
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import search as job_search
from coop_review_api.review.job_view import JobPage, summary_view
from coop_review_api.review.search import JobFilter

router = APIRouter(prefix="/v1", tags=["jobs"])

_reviews = requires(Permission.VIEW_MRT)
Reviewer = Annotated[Principal, Depends(_reviews)]

State = Literal["PENDING", "CLOSED"]
TypeId = Annotated[str, Path(max_length=512)]
ItemId = Annotated[str, Path(max_length=512)]


class _Search:
    """What a search is asked for."""

    def __init__(  # noqa: PLR0913 - each is a parameter of the query
        self,
        *,
        kind: Literal["DEFAULT", "NCMEC", "APPEAL"] | None = None,
        state: State | None = None,
        source: Source | None = None,
        policy_id: Annotated[str | None, Query(alias="policyId", max_length=128)] = None,
        queue_id: Annotated[str | None, Query(alias="queueId", max_length=128)] = None,
        item_type_id: Annotated[str | None, Query(alias="itemTypeId", max_length=128)] = None,
        item_id: Annotated[str | None, Query(alias="itemId", max_length=512)] = None,
        item_id_prefix: Annotated[
            str | None, Query(alias="itemIdPrefix", min_length=3, max_length=512)
        ] = None,
        reporter_type_id: Annotated[
            str | None, Query(alias="reporterTypeId", max_length=512)
        ] = None,
        reporter_id: Annotated[str | None, Query(alias="reporterId", max_length=512)] = None,
        user_type_id: Annotated[str | None, Query(alias="userTypeId", max_length=512)] = None,
        user_id: Annotated[str | None, Query(alias="userId", max_length=512)] = None,
        lease_holder_id: Annotated[str | None, Query(alias="leaseHolderId", max_length=128)] = None,
        enqueued_from: Annotated[AwareDatetime | None, Query(alias="enqueuedFrom")] = None,
        enqueued_to: Annotated[AwareDatetime | None, Query(alias="enqueuedTo")] = None,
        created_from: Annotated[AwareDatetime | None, Query(alias="createdFrom")] = None,
        created_to: Annotated[AwareDatetime | None, Query(alias="createdTo")] = None,
        deadline_to: Annotated[AwareDatetime | None, Query(alias="deadlineTo")] = None,
        overdue: bool | None = None,
        newest_first: Annotated[bool, Query(alias="newestFirst")] = False,
    ) -> None:
        self.filter = JobFilter(
            kind=kind,
            state=state,
            source=source,
            policy_id=policy_id,
            queue_id=queue_id,
            item_type_id=item_type_id,
            item_id=item_id,
            item_id_prefix=item_id_prefix,
            reporter=pair("reporter", reporter_type_id, reporter_id),
            subject=pair("user", user_type_id, user_id),
            lease_holder=lease_holder_id,
            enqueued_from=enqueued_from,
            enqueued_to=enqueued_to,
            created_from=created_from,
            created_to=created_to,
            deadline_to=deadline_to,
            overdue=overdue,
            newest_first=newest_first,
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
    search: Annotated[_Search, Depends()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> JobPage:
    """Jobs of the queues that are open to me, in the order they came or the other way round. A job
    is about the user who made its item, or who is it. `overdue`: pending past the deadline."""
    return await page_of(request, principal, search.filter, cursor, limit)


async def page_of(
    request: Request, principal: Principal, wanted: JobFilter, cursor: str | None, limit: int
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
    )
    page, next_cursor = cut(found, limit, job_search.position_of)
    return JobPage(items=[summary_view(job) for job in page], next_cursor=next_cursor)
