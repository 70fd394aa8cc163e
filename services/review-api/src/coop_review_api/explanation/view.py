"""Explanations on this API's wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from coop_review_api.configuration.condition_shape import ConditionJson
from coop_review_api.http.body import Model
from coop_review_api.http.item_ref import ItemRefView

OutcomeName = Literal["PASSED", "FAILED", "INAPPLICABLE", "ERRORED", "SKIPPED"]
Score = float | bool | str | None


class NamedView(Model):
    """By id; the name is null where it was not there any more."""

    id: str
    name: str | None


class SignalValueView(Model):
    """A value from outside the item. `position` is that of the input value it was asked for."""

    key: str
    signal: str
    position: int = 0
    score: Score = None
    matched_value: str | None = None
    error: str | None = None


class ConditionNodeView(Model):
    """A condition set (`conjunction`, `conditions`) or a condition (the rest). `says` is what it
    asks, `found` what it found, in words; `path` a JSON pointer into the rule's condition set. A
    set is SKIPPED when what was not looked at could have changed it."""

    path: str
    outcome: OutcomeName
    conjunction: str | None = None
    conditions: list[ConditionNodeView] = Field(default_factory=list)
    id: str | None = None
    condition: ConditionJson | None = None
    says: str | None = None
    found: str | None = None
    score: Score = None
    matched_value: str | None = None
    error: str | None = None
    signals: list[SignalValueView] = Field(default_factory=list)


class ConditionProblemView(Model):
    pointer: str
    reason: str


class ExplainedRuleView(Model):
    """`passed` null: it could not be decided. `limited`: it passed and did not act, because of its
    limits. Without `conditions`, `problems` say why."""

    id: str
    name: str
    revision: int
    status: str
    passed: bool | None
    limited: bool
    actions: list[NamedView]
    policies: list[NamedView]
    conditions: ConditionNodeView | None
    problems: list[ConditionProblemView] = Field(default_factory=list)


class OutcomeView(Model):
    """REVIEW: it placed the review job `jobId`. UNKNOWN: nothing was heard of it yet. `status` is
    HTTP's."""

    state: Literal["DELIVERED", "DEAD", "REVIEW", "UNKNOWN"]
    attempts: int
    status: int | None
    error: str | None
    time: datetime | None
    job_id: str | None


class ExplainedExecutionView(OutcomeView):
    """An action that was requested, by which of the rules, and what became of it."""

    execution_id: str
    action: NamedView
    rule_ids: list[str]


class ExplainedEvaluationView(Model):
    """One lane's evaluation. Rules that did not pass are listed where it is `sampled`."""

    lane: Literal["FAST", "MEDIA", "SLOW"]
    evaluated_at: datetime
    config_revision: int
    sampled: bool
    rules: list[ExplainedRuleView]
    executions: list[ExplainedExecutionView]
    signals: list[SignalValueView]


class SubmittedView(Model):
    """The item as it was accepted."""

    time: datetime
    type_version: str
    creator: ItemRefView | None
    data: Any


class ExplanationView(Model):
    """Why something happened to a submission. `submitted` is null where the item's data is no
    longer kept."""

    submission_id: str
    item: ItemRefView
    item_type_name: str | None
    submitted: SubmittedView | None
    evaluations: list[ExplainedEvaluationView]


class RuleGlanceView(Model):
    """`passed` null: it could not be decided. `score` and `matchedValue` are those of its first
    condition that has one and came out as the rule did."""

    id: str
    name: str
    revision: int
    passed: bool | None
    score: Score
    matched_value: str | None


class EvaluationGlanceView(Model):
    """`rules`: those that passed first, up to 20; with `ruleId` that one. Null where there is too
    much of them for a list. `text` is the beginning of the item's words, up to 200 characters; null
    where the item is too large, no longer kept, or about child safety."""

    rules: list[RuleGlanceView] | None
    creator: ItemRefView | None
    text: str | None


class EvaluationView(Model):
    """One recorded evaluation, to be explained under its submission. `outcome` is there where it
    was asked for."""

    submission_id: str
    lane: str
    time: datetime
    item: ItemRefView
    config_revision: int
    matched: bool
    sampled: bool
    outcome: EvaluationGlanceView | None = None


class EvaluationPage(Model):
    """Newest submission first."""

    items: list[EvaluationView]
    next_cursor: str | None = None


class DifferenceView(Model):
    """A rule's outcome, or a condition's finding, that is not as it was recorded."""

    rule_id: str | None = None
    condition: str | None = None
    recorded: str
    now: str


class RuleOutcomeView(Model):
    id: str
    name: str
    revision: int
    passed: bool | None


class RepeatedEvaluationView(Model):
    """`same` is null where it could not be evaluated again; `reason` says why. `rules` are those
    that passed, or could not be decided, now."""

    lane: str
    config_revision: int
    same: bool | None
    reason: str | None
    rules: list[RuleOutcomeView]
    differences: list[DifferenceView]


class RepeatedEvaluationList(Model):
    submission_id: str
    items: list[RepeatedEvaluationView]


class ExecutionView(OutcomeView):
    """An execution: the submission or the decision (and its job) that requested it, and what became
    of it."""

    execution_id: str
    action_id: str
    submission_id: str | None
    decision_id: str | None
    decided_job_id: str | None
