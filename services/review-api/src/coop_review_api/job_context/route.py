"""A job with everything around it, and its thread page by page.

    GET /v1/jobs/{id}/context      what a job's page shows first, in one answer
    GET /v1/jobs/{id}/thread       a further part of its conversation

Guarantees: who may not see the job gets what they get for one that does not exist.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request

from coop_contracts.permission import Permission
from coop_review_api.delivery.dispatch import Dispatch
from coop_review_api.explanation.desk import Explanations
from coop_review_api.history.reader import ItemReader
from coop_review_api.http.authentication import requires
from coop_review_api.http.context import context_of
from coop_review_api.http.page import Cursor, Limit, decode_cursor
from coop_review_api.job_context.context_view import context_view, thread_page
from coop_review_api.job_context.desk import JobContexts
from coop_review_api.job_context.material import ContextLimits
from coop_review_api.job_context.thread import Direction, Spot
from coop_review_api.job_context.view import JobContextView, JobThreadPage
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.review.desk import Desk
from coop_review_api.timeline.route import timelines

router = APIRouter(prefix="/v1", tags=["jobs"])

Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]
Side = Annotated[Direction, Query(description="Which side of the job's item, or of the cursor.")]

_spot = msgspec.json.Decoder(Spot)


async def context_of_job(request: Request, principal: Principal, job_id: str) -> JobContextView:
    """The context of a job, for every route that answers with it. Raises JobNotFound."""
    found = await _contexts(request).of(principal, job_id)
    return context_view(found, context_of(request).vault)


def _contexts(request: Request) -> JobContexts:
    context = context_of(request)
    return JobContexts(
        engine=context.engine,
        desk=context.part(Desk),
        finder=context.part(ItemReader),
        dispatch=context.part(Dispatch),
        explanations=context.part(Explanations),
        timelines=timelines(request),
        clock=context.clock,
        limits=context.part(ContextLimits),
    )


@router.get("/jobs/{job_id}/context", operation_id="getJobContext", response_model=JobContextView)
async def get_job_context(request: Request, principal: Reviewer, job_id: str) -> JobContextView:
    """A job, pending or closed, with its item, who made it and who reported it, what was said
    around it, why it is here, and what I may do with it."""
    return await context_of_job(request, principal, job_id)


@router.get("/jobs/{job_id}/thread", operation_id="listJobThread", response_model=JobThreadPage)
async def list_job_thread(
    request: Request,
    principal: Reviewer,
    job_id: str,
    direction: Side = "BEFORE",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> JobThreadPage:
    """What was said before or after the job's item, or a part of its thread; oldest first."""
    found = await _contexts(request).thread(principal, job_id, direction, _parsed(cursor), limit)
    return thread_page(found, direction, context_of(request).vault)


def _parsed(cursor: str | None) -> Spot | None:
    """Raises `Invalid`."""
    position = decode_cursor(cursor)
    if position is None:
        return None
    try:
        spot = _spot.decode(position)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise _not_a_cursor() from None
    if spot.said_at.tzinfo is None or "\0" in spot.item_id + spot.type_id:
        raise _not_a_cursor()
    return spot


def _not_a_cursor() -> Invalid:
    return Invalid([Fault("#/query/cursor", "not a cursor of this list")])
