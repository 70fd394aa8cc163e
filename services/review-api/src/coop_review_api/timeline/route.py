"""What happened to an item or a user, in one order.

    GET /v1/jobs/{id}/timeline?of=ITEM|USER       of a job's item, or of whom it is about
    GET /v1/items/{typeId}/{id}/timeline          of an item
    GET /v1/users/{typeId}/{id}/timeline          of a user and what they made

Guarantees: who may not see the job, or what is about child safety, gets what they get for one that
does not exist.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request

from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_queues import store
from coop_review_api.history.reader import ItemReader
from coop_review_api.http.authentication import requires
from coop_review_api.http.context import context_of
from coop_review_api.http.page import Cursor, Limit, decode_cursor
from coop_review_api.kernel.principal import Principal
from coop_review_api.projection import history as projected
from coop_review_api.review import child_safety, desk
from coop_review_api.review.escalation import author_of
from coop_review_api.timeline.desk import TimelinePart, Timelines, audited
from coop_review_api.timeline.entry import KINDS, Kind, Subject, place_in
from coop_review_api.timeline.moment_view import timeline_view
from coop_review_api.timeline.view import TimelineView
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["timelines"])

Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]
Investigator = Annotated[Principal, Depends(requires(Permission.VIEW_INVESTIGATION))]
Kinds = Annotated[
    list[Kind], Query(alias="kind", max_length=20, description="Left out: every kind.")
]
TypeId = Annotated[str, Path(max_length=512)]
Id = Annotated[str, Path(max_length=512)]


def timelines(request: Request) -> Timelines:
    context = context_of(request)
    return Timelines(engine=context.engine, finder=context.part(ItemReader), clock=context.clock)


@router.get("/jobs/{job_id}/timeline", operation_id="listJobTimeline", response_model=TimelineView)
async def list_job_timeline(
    request: Request,
    principal: Reviewer,
    job_id: str,
    of: Annotated[
        Literal["ITEM", "USER"], Query(description="USER: who made the item, or who it is.")
    ] = "ITEM",
    kinds: Kinds = [],  # noqa: B006 - FastAPI copies it
    limit: Limit = 50,
    cursor: Cursor = None,
) -> TimelineView:
    """What happened to the job's item, or to its user and all that they made, newest first."""
    async with transaction(context_of(request).engine) as connection:
        summary = await store.get_summary(connection, principal.org_id, job_id)
        await desk.require_readable(connection, principal, summary)
        ref = summary.item
        if of == "USER":
            job = await store.load_job(connection, summary)
            known = author_of(job)
            ref = known or await projected.creator_of(connection, principal.org_id, ref) or ref
    subject = Subject(of=of, ref=ref)
    return timeline_view(await _page(request, principal, subject, kinds, limit, cursor))


@router.get(
    "/items/{type_id}/{item_id:path}/timeline",
    operation_id="listItemTimeline",
    response_model=TimelineView,
)
async def list_item_timeline(
    request: Request,
    principal: Investigator,
    type_id: TypeId,
    item_id: Id,
    kinds: Kinds = [],  # noqa: B006
    limit: Limit = 50,
    cursor: Cursor = None,
) -> TimelineView:
    """What happened to an item, newest first."""
    subject = Subject(of="ITEM", ref=ItemRef(id=item_id, type_id=type_id))
    return timeline_view(await _page(request, principal, subject, kinds, limit, cursor))


@router.get(
    "/users/{type_id}/{user_id:path}/timeline",
    operation_id="listUserTimeline",
    response_model=TimelineView,
)
async def list_user_timeline(
    request: Request,
    principal: Investigator,
    type_id: TypeId,
    user_id: Id,
    kinds: Kinds = [],  # noqa: B006
    limit: Limit = 50,
    cursor: Cursor = None,
) -> TimelineView:
    """What happened to a user and to what they made, newest first."""
    subject = Subject(of="USER", ref=ItemRef(id=user_id, type_id=type_id))
    return timeline_view(await _page(request, principal, subject, kinds, limit, cursor))


async def _page(
    request: Request,
    principal: Principal,
    subject: Subject,
    kinds: list[Kind],
    limit: int,
    cursor: str | None,
) -> TimelinePart:
    context = context_of(request)
    found = await timelines(request).page(
        principal,
        subject,
        kinds=kinds or KINDS,
        after=place_in(decode_cursor(cursor)),
        limit=limit,
    )
    # Asked after reading: what became grave in between is not shown.
    async with transaction(context.engine) as connection:
        target = (subject.of.lower(), subject.ref.id)
        await child_safety.require(
            connection, principal, target, items=[subject.ref], now=context.clock()
        )
        await audited(connection, principal, found, context.clock())
    return found
