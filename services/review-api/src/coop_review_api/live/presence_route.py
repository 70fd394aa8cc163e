"""Having a job open: who else has is told to whom it concerns (`presence` of `/v1/events`).

    PUT, DELETE  /v1/jobs/{id}/presence     every 15 seconds; at the end

Guarantees: only who may see the job can say that they have it open, or learn who has; it hinders
nobody.
Must not: keep anything: a word is forgotten in less than a minute.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from coop_contracts.permission import Permission
from coop_queues import store as queues
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.person_view import PeopleBeside
from coop_review_api.kernel.principal import Principal
from coop_review_api.live.presence import Presence
from coop_review_api.review import desk
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["jobs"])

Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]


class PresenceView(Model):
    """Who else has the job open."""

    people_ids: list[str]
    people: PeopleBeside = Field(default_factory=list)


@router.put("/jobs/{job_id}/presence", operation_id="enterJob", response_model=PresenceView)
async def enter_job(request: Request, principal: Reviewer, job_id: str) -> PresenceView:
    """Say that I have the job open, for 45 seconds from now."""
    await _require(request, principal, job_id)
    presence = part_of(request, Presence)
    await presence.enter(job_id, principal.user_id)
    here = (await presence.at([job_id])).get(job_id, ())
    return PresenceView(people_ids=[one for one in here if one != principal.user_id])


@router.delete("/jobs/{job_id}/presence", operation_id="leaveJob", status_code=204)
async def leave_job(request: Request, principal: Reviewer, job_id: str) -> Response:
    """Say that I have it open no more: also of a job that I may not see any longer."""
    if not await part_of(request, Presence).leave(job_id, principal.user_id):
        await _require(request, principal, job_id)
    return Response(status_code=204)


async def _require(request: Request, principal: Principal, job_id: str) -> None:
    """Raises JobNotFound for a job that this person may not see."""
    async with transaction(context_of(request).engine) as connection:
        summary = await queues.get_summary(connection, principal.org_id, job_id)
        await desk.require_readable(connection, principal, summary)
