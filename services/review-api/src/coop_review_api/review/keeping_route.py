"""Jobs that are given to a person, or held while an answer is awaited.

Guarantees: nobody else is given such a job; when its time is over it is back at its place.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, Field

from coop_contracts.permission import Permission
from coop_review_api.configuration.document_model import Id
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import keeping
from coop_review_api.review.desk import Desk
from coop_review_api.review.job_view import JobSummaryView, summary_view
from coop_review_api.review.keeping import KeepOrder

router = APIRouter(prefix="/v1", tags=["review"])

Lead = Annotated[Principal, Depends(requires(Permission.EDIT_MRT_QUEUES))]
Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]

Reason = Annotated[str, Field(min_length=1, max_length=1000)]
Hours = Annotated[float, Field(gt=0, le=720)]


class AssignmentBody(Body):
    """To whom, and a note for them. `until` or `hours`: not longer than the organisation allows
    (`maxHoldHours`), and as long as that where neither is given."""

    person_id: Id
    note: Reason | None = None
    until: AwareDatetime | None = None
    hours: Hours | None = None


class HoldBody(Body):
    """What is awaited, and `for` whom the job is meanwhile (null: for whoever claims it by its id).
    `leaseToken` of the lease that ends with it; without one, for those who edit queues."""

    reason: Reason
    for_: Annotated[Id | None, Field(alias="for")] = None
    until: AwareDatetime | None = None
    hours: Hours | None = None
    lease_token: Annotated[str, Field(min_length=1, max_length=128)] | None = None


class KeepingView(Model):
    """That a job was kept, by whom, for whom, and how it ended: taken back, by time, because it was
    claimed, assigned or held anew, decided, moved, or because the person could not see it any
    more. Null as long as it lasts."""

    job_id: str
    kept_as: Literal["ASSIGNED", "HELD"]
    person_id: str | None
    person: PersonBeside = None
    reason: str | None
    kept_by: str
    kept_by_person: PersonBeside = None
    since: datetime
    until: datetime
    ended_at: datetime | None
    ended_by: str | None
    ended_by_person: PersonBeside = None
    outcome: (
        Literal["TAKEN_BACK", "EXPIRED", "CLAIMED", "REPLACED", "CLOSED", "MOVED", "LEFT"] | None
    )


class KeepingList(Model):
    """The newest 200."""

    items: list[KeepingView]


_assignment_body = JsonBody(AssignmentBody)
_hold_body = JsonBody(HoldBody)


@router.post(
    "/jobs/{job_id}/assignment",
    operation_id="assignJob",
    response_model=JobSummaryView,
    openapi_extra=_assignment_body.openapi(),
)
async def assign_job(
    request: Request,
    principal: Lead,
    job_id: str,
    body: Annotated[AssignmentBody, Depends(_assignment_body)],
) -> JobSummaryView:
    """Give the job to somebody who may see it. They are told, and are handed it before others;
    nobody else is. 409 `held`: somebody else has its lease."""
    order = KeepOrder(
        kept_as="ASSIGNED",
        person_id=body.person_id,
        reason=body.note,
        until=body.until,
        hours=body.hours,
    )
    return await _kept(request, principal, job_id, order)


@router.delete("/jobs/{job_id}/assignment", operation_id="unassignJob", status_code=204)
async def unassign_job(request: Request, principal: Reviewer, job_id: str) -> Response:
    """Take it back, or leave it to others when it was given to me: it is at its place again."""
    await keeping.take_back(part_of(request, Desk), principal, job_id, "ASSIGNED")
    return Response(status_code=204)


@router.post(
    "/jobs/{job_id}/hold",
    operation_id="holdJob",
    response_model=JobSummaryView,
    openapi_extra=_hold_body.openapi(),
)
async def hold_job(
    request: Request,
    principal: Reviewer,
    job_id: str,
    body: Annotated[HoldBody, Depends(_hold_body)],
) -> JobSummaryView:
    """Keep the job while an answer is awaited. Nobody is handed it; whom it is for claims it by its
    id when the answer is there. My lease ends, my draft stays."""
    order = KeepOrder(
        kept_as="HELD",
        person_id=body.for_,
        reason=body.reason,
        until=body.until,
        hours=body.hours,
        lease_token=body.lease_token,
    )
    return await _kept(request, principal, job_id, order)


@router.delete("/jobs/{job_id}/hold", operation_id="endHold", status_code=204)
async def end_hold(request: Request, principal: Reviewer, job_id: str) -> Response:
    """Nothing is awaited any more: the job is at its place again."""
    await keeping.take_back(part_of(request, Desk), principal, job_id, "HELD")
    return Response(status_code=204)


@router.get("/jobs/{job_id}/keepings", operation_id="listJobKeepings", response_model=KeepingList)
async def list_keepings(request: Request, principal: Reviewer, job_id: str) -> KeepingList:
    """When and for whom the job was assigned or held, newest first, and how that ended."""
    found = await keeping.history(part_of(request, Desk), principal, job_id)
    names = set(KeepingView.model_fields)
    return KeepingList(
        items=[
            KeepingView(
                **{key: one for key, one in msgspec.structs.asdict(each).items() if key in names}
            )
            for each in found
        ]
    )


async def _kept(
    request: Request, principal: Principal, job_id: str, order: KeepOrder
) -> JobSummaryView:
    mail = context_of(request).settings.mail_server is not None
    summary = await keeping.keep(part_of(request, Desk), principal, job_id, order, mail=mail)
    return summary_view(summary)
