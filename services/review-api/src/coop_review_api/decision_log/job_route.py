"""A job with why it is there, and how it was decided.

    GET /v1/jobs/{id}        one, pending or closed

Guarantees: who may not see a job gets what they get for one that does not exist; who sees it is
told why rules sent it, whatever else they may read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request

from coop_contracts.permission import Permission
from coop_review_api.decision_log import reader
from coop_review_api.decision_log.route import DecisionLogEntry, entry_view, names_in
from coop_review_api.explanation.desk import Explanations
from coop_review_api.explanation.report import Explanation
from coop_review_api.explanation.view import ExplainedRuleView
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import desk
from coop_review_api.review.desk import Desk
from coop_review_api.review.job_view import JobView, job_view
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["jobs"])

_reviews = requires(Permission.VIEW_MRT)
Reviewer = Annotated[Principal, Depends(_reviews)]


class JobReasonView(Model):
    """The rules that passed on a submission that led to the job, condition by condition."""

    submission_id: str
    evaluated_at: datetime
    rules: list[ExplainedRuleView]


class JobDetailView(JobView):
    """A job; why rules sent it (`reasons`, of its newest submissions, as long as they are kept);
    and, once it is closed, how it was decided."""

    reasons: list[JobReasonView]
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
    names = await names_in(request, principal, decisions)
    explained = await context.part(Explanations).of_job(principal, job)
    return JobDetailView(
        **dict(job_view(job, context.vault, origins=origins)),
        reasons=[one for explanation in explained for one in _reasons(explanation)],
        decisions=[entry_view(entry, names) for entry in decisions],
    )


def _reasons(explanation: Explanation) -> Iterator[JobReasonView]:
    for evaluation in explanation.evaluations:
        passed = [rule for rule in evaluation.rules if rule.passed]
        if passed:
            yield JobReasonView(
                submission_id=explanation.submission_id,
                evaluated_at=evaluation.evaluated_at,
                rules=[
                    ExplainedRuleView.model_validate_json(msgspec.json.encode(rule))
                    for rule in passed
                ],
            )
