"""Second reviews: to decide again, blind and without effect, what somebody else decided.

Guarantees: what is handed out has neither the first decision nor the job's own id, and golden items
look like all others; every step on a claimed review needs its lease token; without it, 409.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Request, Response

from coop_contracts.event import Source
from coop_contracts.permission import Permission
from coop_queues.job import Job
from coop_review_api.configuration.document_model import Id
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of, part_of
from coop_review_api.kernel.principal import Principal
from coop_review_api.media_value.view import media_of_job
from coop_review_api.quality import answer, second_review
from coop_review_api.review.claim_route import LeaseBody
from coop_review_api.review.decision_route import DecisionBody, draft_of
from coop_review_api.review.desk import Desk
from coop_review_api.review.job_view import JobPayload, LeaseExtendedView, LeaseView, job_view
from coop_runtime.secret.vault import Vault

router = APIRouter(prefix="/v1", tags=["second reviews"])

Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]


class SecondReviewClaimBody(Body):
    """Of which queue; without one, of any that is open to me."""

    queue_id: Id | None = None


class SecondReviewJobView(Model):
    """A job as its first reviewer saw it. The id is the review's, not the job's."""

    id: str
    is_second_review: Literal[True] = True
    queue_id: str
    kind: str
    item_id: str
    item_type_id: str
    source: Source
    policy_ids: list[str]
    csam: bool
    entry_count: int
    report_count: int
    payload: JobPayload


class SecondReviewClaimView(Model):
    second_review: SecondReviewJobView
    lease: LeaseView


class SecondReviewCountView(Model):
    """`waiting`: how many wait for me."""

    queue_id: str
    waiting: int


class SecondReviewCountList(Model):
    items: list[SecondReviewCountView]


class SecondReviewAnswerView(Model):
    id: str
    answered_at: datetime


_claim_body = JsonBody(SecondReviewClaimBody)
_lease_body = JsonBody(LeaseBody)
_decision_body = JsonBody(DecisionBody)
SentLease = Annotated[LeaseBody, Depends(_lease_body)]


@router.get(
    "/second-reviews/counts",
    operation_id="listSecondReviewCounts",
    response_model=SecondReviewCountList,
)
async def list_second_review_counts(request: Request, principal: Reviewer) -> SecondReviewCountList:
    """How many second reviews wait for me, in each queue that is open to me."""
    counts = await second_review.counts(context_of(request).engine, principal)
    return SecondReviewCountList(
        items=[
            SecondReviewCountView(queue_id=queue_id, waiting=count)
            for queue_id, count in sorted(counts.items())
        ]
    )


@router.post(
    "/second-reviews/claims",
    operation_id="claimSecondReview",
    response_model=SecondReviewClaimView,
    responses={204: {"description": "No second review waits for you."}},
    openapi_extra=_claim_body.openapi(),
)
async def claim_second_review(
    request: Request,
    principal: Reviewer,
    body: Annotated[SecondReviewClaimBody, Depends(_claim_body)],
) -> Any:
    """Lease the second review that has waited longest, never of my own decision."""
    desk = part_of(request, Desk)
    claimed = await second_review.claim(
        desk.engine, principal, queue_id=body.queue_id, seconds=desk.lease, clock=desk.clock
    )
    if claimed is None:
        return Response(status_code=204)
    return SecondReviewClaimView(
        second_review=_view(claimed.second_review_id, claimed.job, context_of(request).vault),
        lease=LeaseView(token=claimed.lease_token, expires_at=claimed.expires_at),
    )


@router.post(
    "/second-reviews/{second_review_id}/lease/extend",
    operation_id="extendSecondReviewLease",
    response_model=LeaseExtendedView,
    openapi_extra=_lease_body.openapi(),
)
async def extend_second_review_lease(
    request: Request, principal: Reviewer, second_review_id: str, body: SentLease
) -> LeaseExtendedView:
    """Keep the second review: the lease runs from now."""
    desk = part_of(request, Desk)
    expires_at = await second_review.extend(
        desk.engine, principal, second_review_id, body.lease_token, seconds=desk.lease
    )
    return LeaseExtendedView(expires_at=expires_at)


@router.delete(
    "/second-reviews/{second_review_id}/lease",
    operation_id="releaseSecondReviewLease",
    status_code=204,
)
async def release_second_review_lease(
    request: Request,
    principal: Reviewer,
    second_review_id: str,
    lease_token: Annotated[str, Header(alias="X-Lease-Token", min_length=1, max_length=128)],
) -> Response:
    """Give the second review back; it has its old turn again."""
    await second_review.give_back(
        context_of(request).engine, principal, second_review_id, lease_token, skip=False
    )
    return Response(status_code=204)


@router.post(
    "/second-reviews/{second_review_id}/skip",
    operation_id="skipSecondReview",
    status_code=204,
    openapi_extra=_lease_body.openapi(),
)
async def skip_second_review(
    request: Request, principal: Reviewer, second_review_id: str, body: SentLease
) -> Response:
    """Leave the second review to others; it does not come to me again."""
    await second_review.give_back(
        context_of(request).engine, principal, second_review_id, body.lease_token, skip=True
    )
    return Response(status_code=204)


@router.post(
    "/second-reviews/{second_review_id}/decisions",
    operation_id="answerSecondReview",
    response_model=SecondReviewAnswerView,
    status_code=201,
    openapi_extra=_decision_body.openapi(),
)
async def answer_second_review(
    request: Request,
    principal: Reviewer,
    second_review_id: str,
    body: Annotated[DecisionBody, Depends(_decision_body)],
) -> SecondReviewAnswerView:
    """Say how I would decide. Nothing follows from it, and it cannot be a move."""
    answered_at = await answer.submit(
        part_of(request, Desk),
        principal,
        second_review_id,
        draft=draft_of(body),
        lease_token=body.lease_token,
    )
    return SecondReviewAnswerView(id=second_review_id, answered_at=answered_at)


def _view(second_review_id: str, job: Job, vault: Vault) -> SecondReviewJobView:
    whole = job_view(job)
    org_id = job.summary.org_id
    media = media_of_job(vault, org_id, job, second_review_id=second_review_id)
    return SecondReviewJobView(
        id=second_review_id,
        queue_id=whole.queue_id,
        kind=whole.kind,
        item_id=whole.item_id,
        item_type_id=whole.item_type_id,
        source=whole.source,
        policy_ids=whole.policy_ids,
        csam=whole.csam,
        entry_count=whole.entry_count,
        report_count=whole.report_count,
        payload=whole.payload.model_copy(update={"media": media}),
    )
