"""Reviewing: what waits, claims and leases.

Guarantees: every step on a claimed job needs its lease token; without it, 409.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import Field

from coop_contracts.permission import Permission
from coop_review_api.configuration.document_model import Id
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody
from coop_review_api.http.context import part_of
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import desk, taking
from coop_review_api.review.claimed_view import Include, claimed_view
from coop_review_api.review.desk import Desk, HandedOut
from coop_review_api.review.job_view import (
    ClaimView,
    HeldList,
    HeldView,
    JobLeaseExtendedView,
    QueueCountList,
    QueueCountView,
    ReleasedView,
    lease_view,
    summary_view,
)

router = APIRouter(prefix="/v1", tags=["review"])

_reviews = requires(Permission.VIEW_MRT)
Reviewer = Annotated[Principal, Depends(_reviews)]
_looks_on = requires(Permission.VIEW_MRT, Permission.VIEW_INSIGHTS)
Onlooker = Annotated[Principal, Depends(_looks_on)]

LeaseToken = Annotated[str, Field(min_length=1, max_length=128)]


class LeaseBody(Body):
    """The token that the claim gave."""

    lease_token: LeaseToken


class NextQueues(Body):
    """Which queues to take from; null: all that are open to me. Paused ones are left out."""

    queue_ids: Annotated[list[Id], Field(min_length=1, max_length=500)] | None = None

    @property
    def wanted(self) -> list[str] | None:
        """Each once."""
        return None if self.queue_ids is None else list(dict.fromkeys(self.queue_ids))


class NextBody(NextQueues):
    """Which queues to take from, as for `NextQueues`. `prefetch`: the job waits for me for two
    minutes without my clock running, one at a time; opening its lease begins."""

    prefetch: bool = False


_next_body = JsonBody(NextBody)
_lease_body = JsonBody(LeaseBody)
SentLease = Annotated[LeaseBody, Depends(_lease_body)]


def _desk(request: Request) -> Desk:
    return part_of(request, Desk)


@router.get("/queue-counts", operation_id="listQueueCounts", response_model=QueueCountList)
async def list_queue_counts(request: Request, principal: Onlooker) -> QueueCountList:
    """What waits in each queue that I know of: those open to me, and with VIEW_INSIGHTS all."""
    counts = await desk.counts(_desk(request).engine, principal)
    return QueueCountList(
        items=[
            QueueCountView(queue_id=queue_id, **msgspec.structs.asdict(c))
            for queue_id, c in counts.items()
        ]
    )


@router.get(
    "/queues/{queue_id}/counts", operation_id="getQueueCounts", response_model=QueueCountView
)
async def get_queue_counts(request: Request, principal: Onlooker, queue_id: str) -> QueueCountView:
    """What waits in a queue."""
    counts = await desk.counts(_desk(request).engine, principal, queue_id=queue_id)
    return QueueCountView(queue_id=queue_id, **msgspec.structs.asdict(counts[queue_id]))


@router.post(
    "/queues/{queue_id}/claims",
    operation_id="claimJob",
    response_model=ClaimView,
    responses={204: {"description": "Nothing waits for you in this queue."}},
)
async def claim_job(
    request: Request, principal: Reviewer, queue_id: str, include: Include = None
) -> Any:
    """Lease the most urgent job of a queue that nobody holds and I have not skipped. 409 while the
    queue is paused (`queue-paused`), or when I hold as many as one may (`too-many-claims`)."""
    claimed = await desk.claim(_desk(request), principal, [queue_id])
    return await _claim_view(request, principal, claimed, include)


@router.post(
    "/claims",
    operation_id="claimNextJob",
    response_model=ClaimView,
    responses={204: {"description": "Nothing waits for you in these queues."}},
    openapi_extra=_next_body.openapi(),
)
async def claim_next_job(
    request: Request,
    principal: Reviewer,
    body: Annotated[NextBody, Depends(_next_body)],
    include: Include = None,
) -> Any:
    """Lease the most urgent job of several queues: the one that is due first among those whose turn
    it is. 409 as for one queue; `queue-paused` when all of them are."""
    claimed = await desk.claim(_desk(request), principal, body.wanted, ahead=body.prefetch)
    return await _claim_view(request, principal, claimed, include)


async def _claim_view(
    request: Request, principal: Principal, handed_out: HandedOut | None, include: Include
) -> Any:
    if handed_out is None:
        return Response(status_code=204)
    return await claimed_view(request, principal, handed_out, include)


@router.post("/jobs/{job_id}/claims", operation_id="claimThisJob", response_model=ClaimView)
async def claim_this_job(
    request: Request, principal: Reviewer, job_id: str, include: Include = None
) -> ClaimView:
    """Lease this job; what I hold already is mine again, with its lease. 409: somebody else has it
    (`held`, with `by` and `expiresAt`), it is decided (`already-closed`), its queue is paused
    (`queue-paused`), or I hold as many as one may (`too-many-claims`)."""
    handed_out = await taking.claim_job(_desk(request), principal, job_id)
    return await claimed_view(request, principal, handed_out, include)


@router.delete("/claims", operation_id="releaseMyClaims", response_model=ReleasedView)
async def release_my_claims(request: Request, principal: Reviewer) -> ReleasedView:
    """Step away: give back everything that I hold, second reviews too. They have their old turn
    again and are hidden from nobody; my drafts are kept."""
    return ReleasedView(released=await taking.step_away(_desk(request), principal))


@router.get("/claims", operation_id="listMyClaims", response_model=HeldList)
async def list_my_claims(request: Request, principal: Reviewer) -> HeldList:
    """What I hold now, with the leases: for a page that was loaded again."""
    return HeldList(
        items=[
            HeldView(
                job=summary_view(one.summary),
                lease=lease_view(one.summary, one.lease_token, one.expires_at),
            )
            for one in await desk.held(_desk(request), principal)
        ]
    )


@router.post(
    "/jobs/{job_id}/lease/extend",
    operation_id="extendLease",
    response_model=JobLeaseExtendedView,
    openapi_extra=_lease_body.openapi(),
)
async def extend_lease(
    request: Request, principal: Reviewer, job_id: str, body: SentLease
) -> JobLeaseExtendedView:
    """Keep the job: the lease runs from now. A `revision` that rose says that reports came in. A
    job that was claimed ahead of time is opened by it."""
    return await _extended(request, principal, job_id, body.lease_token)


@router.post(
    "/jobs/{job_id}/lease/open",
    operation_id="openLease",
    response_model=JobLeaseExtendedView,
    openapi_extra=_lease_body.openapi(),
)
async def open_lease(
    request: Request, principal: Reviewer, job_id: str, body: SentLease
) -> JobLeaseExtendedView:
    """Begin with a job that I claimed ahead of time: from now on my time counts. One that is open
    is extended."""
    return await _extended(request, principal, job_id, body.lease_token)


async def _extended(
    request: Request, principal: Principal, job_id: str, token: str
) -> JobLeaseExtendedView:
    extended = await desk.extend(_desk(request), principal, job_id, token)
    return JobLeaseExtendedView(
        expires_at=extended.expires_at,
        opened_at=extended.opened_at,
        revision=extended.revision,
        report_count=extended.report_count,
    )


@router.delete("/jobs/{job_id}/lease", operation_id="releaseLease", status_code=204)
async def release_lease(
    request: Request,
    principal: Reviewer,
    job_id: str,
    lease_token: Annotated[str, Header(alias="X-Lease-Token", min_length=1, max_length=128)],
) -> Response:
    """Give the job back; it has its old turn again."""
    await desk.release(_desk(request), principal, job_id, lease_token)
    return Response(status_code=204)


@router.post(
    "/jobs/{job_id}/skip",
    operation_id="skipJob",
    status_code=204,
    openapi_extra=_lease_body.openapi(),
)
async def skip_job(request: Request, principal: Reviewer, job_id: str, body: SentLease) -> Response:
    """Leave the job to others; it stays hidden from me for a while."""
    await desk.skip(_desk(request), principal, job_id, body.lease_token)
    return Response(status_code=204)
