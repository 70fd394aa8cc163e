"""A job as it was decided.

    GET /v1/jobs/{id}        one, pending or closed, with how it was decided

Guarantees: who may not see a job gets what they get for one that does not exist.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from coop_contracts.permission import Permission
from coop_review_api.decision_log import reader
from coop_review_api.decision_log.route import DecisionLogEntry, entry_view
from coop_review_api.http.authentication import requires
from coop_review_api.http.context import context_of
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import desk
from coop_review_api.review.desk import Desk
from coop_review_api.review.job_view import JobView, job_view
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["jobs"])

_reviews = requires(Permission.VIEW_MRT)
Reviewer = Annotated[Principal, Depends(_reviews)]


class JobDetailView(JobView):
    """A job and, once it is closed, how it was decided."""

    decisions: list[DecisionLogEntry]


@router.get("/jobs/{job_id}", operation_id="getJob", response_model=JobDetailView)
async def get_job(request: Request, principal: Reviewer, job_id: str) -> JobDetailView:
    """A job, pending or closed, with everything in it, and how it was decided."""
    context = context_of(request)
    own_desk = context.part(Desk)
    job = await desk.look(own_desk, principal, job_id)
    async with transaction(context.engine) as connection:
        origins = await own_desk.origins.of(connection, job)
        decisions = await reader.of_job(
            connection, principal, job.summary.job_id, now=context.clock()
        )
    return JobDetailView(
        **dict(job_view(job, origins=origins)), decisions=[entry_view(entry) for entry in decisions]
    )
