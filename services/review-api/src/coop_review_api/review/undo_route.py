"""Taking a decision back before it leaves, and having more time for it.

Must not: reverse what has left (`reverse`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from coop_contracts.permission import Permission
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, Model, OptionalBody
from coop_review_api.http.context import part_of
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import hold
from coop_review_api.review.claimed_view import Include, claimed_view
from coop_review_api.review.desk import Desk
from coop_review_api.review.job_view import ClaimView

router = APIRouter(prefix="/v1", tags=["review"])

Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]


class UndoBody(Body):
    """`claim`: the job comes to me before anybody else, with the decision as my draft."""

    claim: bool = False


class UndoneView(Model):
    """`jobId` is the job that goes on. Without `claim` it is free for anyone, or somebody has it:
    reports had joined it."""

    job_id: str
    claim: ClaimView | None


class UndoWindowView(Model):
    """Until `leavesAt` the decision can be undone."""

    leaves_at: datetime


_undo_body = OptionalBody(UndoBody)


@router.post(
    "/decisions/{decision_id}/undo",
    operation_id="undoDecision",
    response_model=UndoneView,
    openapi_extra=_undo_body.openapi(),
)
async def undo_decision(
    request: Request,
    principal: Reviewer,
    decision_id: str,
    body: Annotated[UndoBody, Depends(_undo_body)],
    include: Include = None,
) -> UndoneView:
    """Take a decision back within the undo window: nothing of it was sent. What I had decided is my
    draft of the job that goes on; with `claim` that job is mine."""
    desk = part_of(request, Desk)
    undone = await hold.undo(desk, principal, decision_id, claim=body.claim)
    claim = None
    if undone.handed_out is not None:
        claim = await claimed_view(request, principal, undone.handed_out, include)
    return UndoneView(job_id=undone.job_id, claim=claim)


@router.post(
    "/decisions/{decision_id}/undo-window/extend",
    operation_id="extendUndoWindow",
    response_model=UndoWindowView,
)
async def extend_undo_window(
    request: Request, principal: Reviewer, decision_id: str
) -> UndoWindowView:
    """My decision, which has not left, leaves two windows from now, and not before: asked for
    while somebody is about to take it back. No longer than ten windows, or two minutes, after its
    own."""
    until = await hold.extend(part_of(request, Desk), principal, decision_id)
    return UndoWindowView(leaves_at=until)
