"""Reviewing: what waits, claims and leases, jobs, decisions.

Guarantees: every step on a claimed job needs its lease token; without it, 409.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import Field, JsonValue

from coop_contracts.permission import Permission
from coop_review_api import review, submission
from coop_review_api.api.authentication import requires
from coop_review_api.api.body import Body, JsonBody, Model
from coop_review_api.api.document import Id
from coop_review_api.api.job_view import (
    ClaimView,
    JobPage,
    JobView,
    LeaseExtendedView,
    LeaseView,
    QueueCountList,
    QueueCountView,
    job_view,
    summary_view,
)
from coop_review_api.api.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.api.resource import context_of
from coop_review_api.decision import MAX_NOTE, Draft
from coop_review_api.enforcement import hold
from coop_review_api.session import Principal

router = APIRouter(prefix="/v1", tags=["review"])

_reviews = requires(Permission.VIEW_MRT)
Reviewer = Annotated[Principal, Depends(_reviews)]

LeaseToken = Annotated[str, Field(min_length=1, max_length=128)]


class LeaseBody(Body):
    """The token that the claim gave."""

    lease_token: LeaseToken


class IgnoreComponent(Body):
    type: Literal["IGNORE"]


class ActionComponent(Body):
    """`parameters`: values by action id, then by parameter name."""

    type: Literal["CUSTOM_ACTION"]
    action_ids: Annotated[list[Id], Field(min_length=1, max_length=50)]
    policy_ids: Annotated[list[Id], Field(max_length=50)] = Field(default_factory=list)
    parameters: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)


class MoveComponent(Body):
    type: Literal["MOVE"]
    queue_id: Id


class DecisionBody(Body):
    """Ignore, or actions, or a move. The same decision sent again gets the same answer."""

    lease_token: LeaseToken
    components: Annotated[
        list[
            Annotated[
                IgnoreComponent | ActionComponent | MoveComponent, Field(discriminator="type")
            ]
        ],
        Field(min_length=1, max_length=20),
    ]
    reason: Annotated[str, Field(max_length=MAX_NOTE)] | None = None
    note: Annotated[str, Field(max_length=MAX_NOTE)] | None = None


class ExecutionView(Model):
    """An action that will happen: `executionId` is the `webhook-id` of its delivery."""

    execution_id: str
    action_id: str


class DecisionView(Model):
    """`movedTo` is the job that continues a moved or undone one. Until `leavesAt` the decision can
    be undone (null: it left at once)."""

    id: str
    job_id: str
    queue_id: str
    reviewer_id: str
    components: list[dict[str, Any]]
    executions: list[ExecutionView]
    config_revision: int
    decided_at: datetime
    reason: str | None
    note: str | None
    moved_to: str | None
    leaves_at: datetime | None
    undone_at: datetime | None


class UndoneView(Model):
    """`jobId` is the job that goes on, free for anyone."""

    job_id: str


_lease_body = JsonBody(LeaseBody)
_decision_body = JsonBody(DecisionBody)
SentLease = Annotated[LeaseBody, Depends(_lease_body)]


def _desk(request: Request) -> review.Desk:
    return context_of(request).desk


@router.get("/queue-counts", operation_id="listQueueCounts", response_model=QueueCountList)
async def list_queue_counts(request: Request, principal: Reviewer) -> QueueCountList:
    """What waits in each queue that is open to me."""
    counts = await review.counts(_desk(request).engine, principal)
    return QueueCountList(
        items=[
            QueueCountView(queue_id=queue_id, **msgspec.structs.asdict(c))
            for queue_id, c in counts.items()
        ]
    )


@router.get(
    "/queues/{queue_id}/counts", operation_id="getQueueCounts", response_model=QueueCountView
)
async def get_queue_counts(request: Request, principal: Reviewer, queue_id: str) -> QueueCountView:
    """What waits in a queue."""
    counts = await review.counts(_desk(request).engine, principal, queue_id=queue_id)
    return QueueCountView(queue_id=queue_id, **msgspec.structs.asdict(counts[queue_id]))


@router.post(
    "/queues/{queue_id}/claims",
    operation_id="claimJob",
    response_model=ClaimView,
    responses={204: {"description": "Nothing waits for you in this queue."}},
)
async def claim_job(request: Request, principal: Reviewer, queue_id: str) -> Any:
    """Lease the most urgent job of a queue that nobody holds and I have not skipped."""
    claim = await review.claim(_desk(request), principal, queue_id)
    if claim is None:
        return Response(status_code=204)
    return ClaimView(
        job=job_view(claim.job),
        lease=LeaseView(token=claim.lease_token, expires_at=claim.expires_at),
    )


@router.get("/jobs", operation_id="listJobs", response_model=JobPage)
async def list_jobs(
    request: Request,
    principal: Reviewer,
    state: Literal["PENDING", "CLOSED"] | None = None,
    queue_id: Annotated[str | None, Query(alias="queueId", max_length=128)] = None,
    item_type_id: Annotated[str | None, Query(alias="itemTypeId", max_length=128)] = None,
    item_id: Annotated[str | None, Query(alias="itemId", max_length=512)] = None,
    item_id_prefix: Annotated[
        str | None, Query(alias="itemIdPrefix", min_length=3, max_length=512)
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> JobPage:
    """Jobs of the queues that are open to me, in the order they came."""
    wanted = review.Filter(
        state=state,
        queue_id=queue_id,
        item_type_id=item_type_id,
        item_id=item_id,
        item_id_prefix=item_id_prefix,
    )
    found = await review.search(
        _desk(request).engine, principal, wanted, after=decode_cursor(cursor), limit=limit + 1
    )
    jobs, next_cursor = cut(found, limit, review.position_of)
    return JobPage(items=[summary_view(job) for job in jobs], next_cursor=next_cursor)


@router.get("/jobs/{job_id}", operation_id="getJob", response_model=JobView)
async def get_job(request: Request, principal: Reviewer, job_id: str) -> JobView:
    """A job, pending or closed, with everything in it."""
    return job_view(await review.look(_desk(request), principal, job_id))


@router.post(
    "/jobs/{job_id}/lease/extend",
    operation_id="extendLease",
    response_model=LeaseExtendedView,
    openapi_extra=_lease_body.openapi(),
)
async def extend_lease(
    request: Request, principal: Reviewer, job_id: str, body: SentLease
) -> LeaseExtendedView:
    """Keep the job: the lease runs from now."""
    expires_at = await review.extend(_desk(request), principal, job_id, body.lease_token)
    return LeaseExtendedView(expires_at=expires_at)


@router.delete("/jobs/{job_id}/lease", operation_id="releaseLease", status_code=204)
async def release_lease(
    request: Request,
    principal: Reviewer,
    job_id: str,
    lease_token: Annotated[str, Header(alias="X-Lease-Token", min_length=1, max_length=128)],
) -> Response:
    """Give the job back; it has its old turn again."""
    await review.release(_desk(request), principal, job_id, lease_token)
    return Response(status_code=204)


@router.post(
    "/jobs/{job_id}/skip",
    operation_id="skipJob",
    status_code=204,
    openapi_extra=_lease_body.openapi(),
)
async def skip_job(request: Request, principal: Reviewer, job_id: str, body: SentLease) -> Response:
    """Leave the job to others; it stays hidden from me for a while."""
    await review.skip(_desk(request), principal, job_id, body.lease_token)
    return Response(status_code=204)


@router.post(
    "/jobs/{job_id}/decisions",
    operation_id="decideJob",
    response_model=DecisionView,
    status_code=201,
    openapi_extra=_decision_body.openapi(),
)
async def decide_job(
    request: Request,
    principal: Reviewer,
    job_id: str,
    body: Annotated[DecisionBody, Depends(_decision_body)],
) -> DecisionView:
    """Decide the job under its lease. Actions follow, each once."""
    desk = _desk(request)
    draft = msgspec.convert(
        {
            "components": [part.model_dump(by_alias=True) for part in body.components],
            "reason": body.reason,
            "note": body.note,
        },
        Draft,
    )
    recorded = await submission.submit(
        desk.engine,
        desk.order,
        principal,
        job_id,
        draft,
        lease_token=body.lease_token,
        clock=desk.clock,
    )
    return decision_view(recorded)


@router.post(
    "/decisions/{decision_id}/undo", operation_id="undoDecision", response_model=UndoneView
)
async def undo_decision(request: Request, principal: Reviewer, decision_id: str) -> UndoneView:
    """Take a decision back within the undo window: nothing of it was sent."""
    desk = _desk(request)
    job_id = await hold.undo(desk.engine, desk.order, principal, decision_id, clock=desk.clock)
    return UndoneView(job_id=job_id)


def decision_view(recorded: submission.Recorded) -> DecisionView:
    return DecisionView(
        id=recorded.decision_id,
        job_id=recorded.job_id,
        queue_id=recorded.queue_id,
        reviewer_id=recorded.reviewer_id,
        components=msgspec.to_builtins(recorded.components),
        executions=[
            ExecutionView(execution_id=one.execution_id, action_id=one.action_id)
            for one in recorded.executions
        ],
        config_revision=recorded.config_revision,
        decided_at=recorded.decided_at,
        reason=recorded.reason,
        note=recorded.note,
        moved_to=recorded.moved_to,
        leaves_at=recorded.leaves_at,
        undone_at=recorded.undone_at,
    )
