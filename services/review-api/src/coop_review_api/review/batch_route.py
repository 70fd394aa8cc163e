"""Deciding many jobs at once: which ones are alike, one decision on up to 200, one undo.

Guarantees: each job is decided by itself, or says why not; the same request again decides none
twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from coop_contracts.permission import Permission
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import part_of
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.http.query import QueryModel
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import batch, job_group
from coop_review_api.review.batch import Batch
from coop_review_api.review.decision import MAX_NOTE, Draft
from coop_review_api.review.decision_route import (
    ActionComponent,
    IgnoreComponent,
    MoveComponent,
    components_of,
)
from coop_review_api.review.desk import Desk, open_queue
from coop_review_api.review.job_group import By
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["review"])

Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]


class JobGroupView(Model):
    """Jobs that are alike. `sampleJobIds`: up to 200 of them, in their turn."""

    key: str
    label: str
    count: int
    oldest: datetime
    sample_job_ids: list[str]


class JobGroupList(Model):
    """The largest 100 groups among the `examined` jobs whose turn is next; `more`: further jobs
    wait."""

    groups: list[JobGroupView]
    examined: int
    more: bool


class JobGroupQuery(QueryModel):
    queue_id: Annotated[str, Field(max_length=128)]
    by: By


SentBatchComponents = Annotated[
    list[Annotated[IgnoreComponent | ActionComponent | MoveComponent, Field(discriminator="type")]],
    Field(min_length=1, max_length=20),
]


class BatchDecisionBody(Body):
    """One decision on many jobs. `id` is made by who sends it (a UUID): sent again with it, the
    batch goes on where it stopped."""

    id: Annotated[str, Field(pattern="^[0-9a-fA-F-]{36}$")]
    job_ids: Annotated[
        list[Annotated[str, Field(pattern="^[0-9a-f-]{36}$")]],
        Field(min_length=1, max_length=batch.MAX_JOBS),
    ]
    components: SentBatchComponents
    reason: Annotated[str, Field(max_length=MAX_NOTE)] | None = None
    note: Annotated[str, Field(max_length=MAX_NOTE)] | None = None


class BatchFaultView(Model):
    pointer: str
    reason: str


class BatchJobView(Model):
    """What became of one job: decided; held by somebody else; closed before; refused, with `reason`
    and `errors`; not reached yet (WAITING); or taken back. A decided one that could not be taken
    back says why in `reason`."""

    job_id: str
    state: Literal["WAITING", "DECIDED", "HELD", "CLOSED", "REFUSED", "UNDONE"]
    decision_id: str | None
    reason: str | None
    errors: list[BatchFaultView]


class BatchDecisionView(Model):
    """A batch, and what became of each job, in the order in which they were named."""

    id: str
    made_by: str
    made_by_person: PersonBeside = None
    made_at: datetime
    undone_at: datetime | None
    jobs: list[BatchJobView]


_body = JsonBody(BatchDecisionBody)


@router.get("/job-groups", operation_id="listJobGroups", response_model=JobGroupList)
async def list_job_groups(
    request: Request, principal: Reviewer, query: Annotated[JobGroupQuery, Query()]
) -> JobGroupList:
    """Free jobs of a queue that are alike: by author, by rule, by the same medium (`HASH`: its
    address), or by near-same text. Nothing of what is about child safety."""
    async with transaction(part_of(request, Desk).engine) as connection:
        await open_queue(connection, principal, query.queue_id)
        found = await job_group.groups_of(connection, principal.org_id, query.queue_id, query.by)
    return JobGroupList(
        groups=[
            JobGroupView(
                key=one.key,
                label=one.label,
                count=one.count,
                oldest=one.oldest,
                sample_job_ids=list(one.job_ids),
            )
            for one in found.groups
        ],
        examined=found.examined,
        more=found.more,
    )


@router.post(
    "/batch-decisions",
    operation_id="decideJobs",
    response_model=BatchDecisionView,
    status_code=202,
    openapi_extra=_body.openapi(),
)
async def decide_jobs(
    request: Request, principal: Reviewer, body: Annotated[BatchDecisionBody, Depends(_body)]
) -> BatchDecisionView:
    """Decide up to 200 jobs alike, each as if by itself. What somebody else holds, what is closed,
    and what is about child safety is left as it is, and says so."""
    if len(set(body.job_ids)) < len(body.job_ids):
        raise Invalid([Fault("/jobIds", "given twice")])
    draft = Draft(components=components_of(body.components), reason=body.reason, note=body.note)
    desk = part_of(request, Desk)
    return _view(await batch.decide(desk, principal, body.id, body.job_ids, draft))


@router.get(
    "/batch-decisions/{batch_id}",
    operation_id="getBatchDecision",
    response_model=BatchDecisionView,
)
async def get_batch_decision(
    request: Request, principal: Reviewer, batch_id: str
) -> BatchDecisionView:
    """A batch of mine, as far as it is. Kept for 30 days."""
    return _view(await batch.find(part_of(request, Desk), principal, batch_id))


@router.post(
    "/batch-decisions/{batch_id}/undo",
    operation_id="undoBatchDecision",
    response_model=BatchDecisionView,
)
async def undo_batch_decision(
    request: Request, principal: Reviewer, batch_id: str
) -> BatchDecisionView:
    """Take back all of it that has not left: the jobs go on, free for anyone."""
    return _view(await batch.undo(part_of(request, Desk), principal, batch_id))


def _view(found: Batch) -> BatchDecisionView:
    return BatchDecisionView(
        id=found.batch_id,
        made_by=found.made_by,
        made_at=found.made_at,
        undone_at=found.undone_at,
        jobs=[
            BatchJobView(
                job_id=one.job_id,
                state=one.state,
                decision_id=one.decision_id,
                reason=one.reason,
                errors=[BatchFaultView(pointer=at.pointer, reason=at.reason) for at in one.faults],
            )
            for one in found.outcomes
        ],
    )
