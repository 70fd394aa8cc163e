"""Explanations: what was recorded of submissions, why, and the same evaluated again.

Guarantees: what one may not see (another organisation's, child-abuse material without the
permission) looks as if it were not there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import ConfigDict, Field

from coop_contracts.permission import Permission
from coop_review_api.configuration.document_model import Id
from coop_review_api.explanation import record
from coop_review_api.explanation.desk import Explanations, RepeatedEvaluation
from coop_review_api.explanation.glance import Glance
from coop_review_api.explanation.view import (
    DifferenceView,
    EvaluationGlanceView,
    EvaluationPage,
    EvaluationView,
    ExecutionView,
    ExplanationView,
    RepeatedEvaluationList,
    RepeatedEvaluationView,
    RuleGlanceView,
    RuleOutcomeView,
)
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import part_of
from coop_review_api.http.item_ref import ItemRefView
from coop_review_api.http.moment import Moment
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal

router = APIRouter(prefix="/v1", tags=["explanations"])

_investigates = requires(Permission.VIEW_INVESTIGATION, Permission.VIEW_INSIGHTS)
Investigator = Annotated[Principal, Depends(_investigates)]

_MAX_REVISION = 2**63 - 1


class EvaluationQuery(Model):
    """Which evaluations: of an item, of a rule, or those behind something that happened."""

    model_config = ConfigDict(extra="ignore")

    item_type_id: Id | None = None
    item_id: Annotated[str, Field(max_length=512)] | None = None
    rule_id: Id | None = None
    rule_revision: Annotated[int, Field(ge=1, le=_MAX_REVISION)] | None = None
    execution_id: Id | None = None
    decision_id: Id | None = None
    job_id: Id | None = None
    matched: bool | None = None
    since: Moment | None = None
    until: Moment | None = None
    include: Literal["outcome"] | None = None

    @property
    def causes(self) -> dict[str, str | None]:
        return {
            "execution_id": self.execution_id,
            "decision_id": self.decision_id,
            "job_id": self.job_id,
        }

    def filter(self) -> record.EvaluationFilter:
        """Raises `Invalid` for parameters that do not go together."""
        if self.item_id is not None and self.item_type_id is None:
            raise Invalid([Fault("#/query/itemTypeId", "needed with itemId")])
        if self.rule_revision is not None and self.rule_id is None:
            raise Invalid([Fault("#/query/ruleId", "needed with ruleRevision")])
        if sum(cause is not None for cause in self.causes.values()) > 1:
            reason = "one of executionId, decisionId and jobId"
            raise Invalid([Fault("#/query", reason)])
        return record.EvaluationFilter(**self.model_dump(exclude={*self.causes, "include"}))


@router.get("/evaluations", operation_id="listEvaluations", response_model=EvaluationPage)
async def list_evaluations(
    request: Request,
    principal: Investigator,
    query: Annotated[EvaluationQuery, Query()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> EvaluationPage:
    """Recorded evaluations, newest submission first. With `executionId`, `decisionId` or `jobId`:
    those that led to it. `include=outcome`: what each found, and the beginning of its item."""
    desk = part_of(request, Explanations)
    wanted = query.filter()
    if any(cause is not None for cause in query.causes.values()):
        ids = await desk.submissions_behind(principal, **query.causes)
        wanted = replace(wanted, submission_ids=tuple(ids))
    found = await desk.search(principal, wanted, after=decode_cursor(cursor), limit=limit + 1)
    page, next_cursor = cut(found, limit, record.position_of)
    glances: dict[record.FoundEvaluation, Glance] = {}
    if query.include == "outcome" and page:
        glances = await desk.glances(principal, page, rule_id=query.rule_id)
    return EvaluationPage(
        items=[_evaluation(one, glances.get(one)) for one in page], next_cursor=next_cursor
    )


def _evaluation(one: record.FoundEvaluation, glance: Glance | None) -> EvaluationView:
    return EvaluationView(
        submission_id=one.submission_id,
        lane=one.lane,
        time=one.time,
        item=ItemRefView(id=one.item_id, type_id=one.item_type_id),
        config_revision=one.config_revision,
        matched=one.matched,
        sampled=one.sampled,
        outcome=None if glance is None else _glance(glance),
    )


def _glance(glance: Glance) -> EvaluationGlanceView:
    creator, rules = glance.creator, glance.rules
    return EvaluationGlanceView(
        rules=None
        if rules is None
        else [
            RuleGlanceView(
                id=one.rule_id,
                name=one.name,
                revision=one.revision,
                passed=one.passed,
                score=one.score,
                matched_value=one.matched_value,
            )
            for one in rules
        ],
        creator=None if creator is None else ItemRefView(id=creator.id, type_id=creator.type_id),
        text=glance.text,
    )


@router.get(
    "/submissions/{submission_id}/explanation",
    operation_id="explainSubmission",
    response_model=ExplanationView,
)
async def explain_submission(
    request: Request, principal: Investigator, submission_id: str
) -> ExplanationView:
    """Why something happened to a submission, condition by condition."""
    looked, explanation = await part_of(request, Explanations).explain(principal, submission_id)
    fields: dict[str, Any] = msgspec.to_builtins(explanation)
    submitted = looked.submission
    fields["submitted"] = submitted and {
        "time": submitted.time,
        "typeVersion": submitted.item.type_version,
        "creator": msgspec.to_builtins(submitted.item.creator),
        "data": msgspec.json.decode(submitted.item.data),
    }
    return ExplanationView.model_validate_json(msgspec.json.encode(fields))


@router.post(
    "/submissions/{submission_id}/evaluations",
    operation_id="evaluateSubmissionAgain",
    response_model=RepeatedEvaluationList,
)
async def evaluate_submission_again(
    request: Request, principal: Investigator, submission_id: str
) -> RepeatedEvaluationList:
    """Evaluate the recorded item and values under the recorded revision, without any effect."""
    found = await part_of(request, Explanations).again(principal, submission_id)
    return RepeatedEvaluationList(
        submission_id=submission_id, items=[_repeated(one) for one in found]
    )


@router.get("/executions/{execution_id}", operation_id="getExecution", response_model=ExecutionView)
async def get_execution(
    request: Request, principal: Investigator, execution_id: str
) -> ExecutionView:
    """Who requested an execution (the `webhook-id` of a delivery), and what became of it."""
    found, outcome = await part_of(request, Explanations).execution(principal, execution_id)
    return ExecutionView(
        execution_id=execution_id,
        action_id=found.action_id,
        submission_id=found.submission_id,
        decision_id=found.decision_id,
        decided_job_id=found.job_id,
        state=outcome.state,
        attempts=outcome.attempts,
        status=outcome.status,
        error=outcome.error,
        time=outcome.time,
        job_id=outcome.job_id,
    )


def _repeated(one: RepeatedEvaluation) -> RepeatedEvaluationView:
    result = one.result
    return RepeatedEvaluationView(
        lane=one.recorded.lane,
        config_revision=one.recorded.config_revision,
        same=None if result is None else not one.differences,
        reason=one.reason,
        rules=[
            RuleOutcomeView(
                id=outcome.rule.id,
                name=outcome.rule.name,
                revision=outcome.rule.revision,
                passed=outcome.passed,
            )
            for outcome in (result.rules if result else ())
            if outcome.passed is not False
        ],
        differences=[
            DifferenceView.model_validate(msgspec.structs.asdict(difference))
            for difference in one.differences
        ],
    )
