"""The messages that a lane's result makes: RulesEvaluated, the effects, a deferral, a tripped rule.

Guarantees: one RulesEvaluated for a submission and lane; at most one effect for a submission and
action, with the rules and policies of the matching live rules that carry that very action. All ids
are made of the submission, so a message that is sent again is known as a repeat.
Must not: publish.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Raw

from coop_contracts.event import (
    ActionRequested,
    EvaluationDeferred,
    RequestedExecution,
    ReviewRequested,
    RulesEvaluated,
    RuleTripped,
    SignalValue,
    SubmittedItem,
)
from coop_contracts.ids import evaluation_id, execution_id, item_key
from coop_rules_engine import metric
from coop_rules_engine.evaluation import LaneResult
from coop_rules_engine.rules.plan import Plan, PlannedAction
from coop_rules_engine.submission import Submission
from coop_runtime.kafka.message import Message, message_of

SAMPLED_BYTES: Final = 512 * 1024
"""The most that a sampled evaluation may take in a message: the broker refuses a megabyte."""

_NO_DATA = Raw(b"{}")
_UNKNOWN_AUTHOR: Final = "A rule asked for a report to NCMEC; whose item this is is not known."
_PASSED = {
    True: metric.OUTCOMES.labels("LIVE", "passed"),
    False: metric.OUTCOMES.labels("BACKGROUND", "passed"),
}
_UNKNOWN = {
    True: metric.OUTCOMES.labels("LIVE", "unknown"),
    False: metric.OUTCOMES.labels("BACKGROUND", "unknown"),
}
_REQUESTED = {kind: metric.REQUESTED.labels(kind) for kind in ("custom", "review", "ncmec")}
_UNKNOWN_ACTION = metric.NOT_EXECUTED.labels("unknown")
_NO_AUTHOR = metric.NOT_EXECUTED.labels("no_author")
_LIMITED = metric.NOT_EXECUTED.labels("limited")


def messages_of(result: LaneResult, *, now: datetime) -> list[Message]:
    """RulesEvaluated, then the effects. `now` is the time of the events."""
    submission, evaluation = result.submission, result.evaluation
    effects: Sequence[tuple[RequestedExecution, ActionRequested | ReviewRequested]] = ()
    # An evaluation gives both as JSON text, which goes into the message unchanged.
    outcomes: Any = ()
    conditions: Any = ()
    if evaluation is not None and evaluation.outcomes:
        _count(result)
        if result.acting:
            effects = effects_of(result, now)
        outcomes, conditions = evaluation.record()
        if result.sampled and _bytes(outcomes) + _bytes(conditions) > SAMPLED_BYTES:
            result.sampled = False
            outcomes, conditions = evaluation.without_failed().record()
    item = submission.item
    evaluated = RulesEvaluated(
        event_id=evaluation_id(cause=submission.submission_id, what=result.lane),
        org_id=submission.org_id,
        time=now,
        correlation_id=submission.correlation_id,
        causation_id=submission.cause,
        submission_id=submission.submission_id,
        item=submission.ref,
        config_revision=result.revision,
        rules=outcomes,
        conditions=conditions,
        executions=tuple([execution for execution, _ in effects]),
        lane=result.lane,
        signals=result.signals(),
        sampled=result.sampled,
        limited=result.limited,
        type_version=item.type_version,
        creator=item.creator,
        submitted_at=submission.time,
    )
    key, traceparent = submission.key, submission.traceparent
    messages = [message_of(evaluated, key=key, traceparent=traceparent)]
    for _, effect in effects:
        messages.append(effect_message(effect, traceparent=traceparent))
    return messages


def effect_message(effect: ActionRequested | ReviewRequested, *, traceparent: str) -> Message:
    """The effect on the log, under the key of the item or user that it is about."""
    key = item_key(effect.org_id, effect.item.type_id, effect.item.id)
    return message_of(effect, key=key, traceparent=traceparent)


def deferred(
    result: LaneResult, values: Sequence[SignalValue], *, awaits_media: bool, now: datetime
) -> Message:
    """The message that hands an evaluation on to the lane where its values come from."""
    submission = result.submission
    event = EvaluationDeferred(
        event_id=evaluation_id(
            cause=submission.submission_id,
            what=f"{result.lane} {'awaits media' if awaits_media else 'deferred'}",
        ),
        org_id=submission.org_id,
        time=now,
        correlation_id=submission.correlation_id,
        causation_id=submission.cause,
        submission_id=submission.submission_id,
        item=submission.item,
        lane=result.lane,
        config_revision=result.revision,
        signals=tuple(values),
        submitted_at=submission.time,
        awaits_media=awaits_media,
        reply_to=submission.reply_to,
    )
    return message_of(event, key=submission.key, traceparent=submission.traceparent)


def tripped(
    submission: Submission,
    plan: Plan,
    *,
    measure: Literal["ACTIONS", "USERS"],
    count: int,
    now: datetime,
) -> Message:
    """The message that a rule went past a ceiling of its blast radius: one a revision of it."""
    limits = plan.limits
    assert limits is not None
    limit = limits.per_minute if measure == "ACTIONS" else limits.per_hour
    key = f"{submission.org_id}/{plan.rule.id}"
    event = RuleTripped(
        event_id=evaluation_id(cause=key, what=f"tripped at {plan.rule.revision}"),
        org_id=submission.org_id,
        time=now,
        correlation_id=submission.correlation_id,
        causation_id=submission.cause,
        rule=plan.rule,
        measure=measure,
        limit=limit or 0,
        count=count,
        window=60 if measure == "ACTIONS" else 3600,
    )
    return message_of(event, key=key, traceparent=submission.traceparent)


def _bytes(raw: Raw) -> int:
    return memoryview(raw).nbytes


def _count(result: LaneResult) -> None:
    assert result.rules is not None
    assert result.evaluation is not None
    plans = result.rules.plans
    for index, outcome in result.evaluation.notable:
        (_PASSED if outcome else _UNKNOWN)[plans[index].live].inc()
    for plan in result.acting:
        if plan.rule.id in result.limited:
            _LIMITED.inc(len(plan.actions))
        else:
            _UNKNOWN_ACTION.inc(len(plan.missing))


def effects_of(
    result: LaneResult, now: datetime
) -> list[tuple[RequestedExecution, ActionRequested | ReviewRequested]]:
    """What the matching live rules ask for, each action once."""
    submission = result.submission
    carriers: dict[PlannedAction, list[Plan]] = {}
    for plan in result.acting:
        if plan.rule.id not in result.limited:
            for action in plan.actions:
                carriers.setdefault(action, []).append(plan)
    effects: list[tuple[RequestedExecution, ActionRequested | ReviewRequested]] = []
    for action, plans in carriers.items():
        item = _author_of(submission) if action.of_author else submission.item
        if item is None and action.effect == "ncmec":
            # People see the item itself: what may be child abuse is never left out.
            item = submission.item
        if item is None:
            _NO_AUTHOR.inc()
            continue
        target = item_key(submission.org_id, item.type_id, item.id)
        effect_id = execution_id(
            cause=submission.submission_id, action=action.action_id, target=target
        )
        _REQUESTED[action.effect].inc()
        execution = RequestedExecution(execution_id=effect_id, action_id=action.action_id)
        effect: ActionRequested | ReviewRequested
        if action.effect == "custom":
            effect = _action(result, execution, plans, now)
        else:
            effect = _review(result, execution, plans, now, item=item, action=action)
        effects.append((execution, effect))
    return effects


def _author_of(submission: Submission) -> SubmittedItem | None:
    """The author as an item of which nothing but the id is known; None where there is none."""
    creator = submission.item.creator
    if creator is None:
        return None
    return SubmittedItem(
        id=creator.id,
        type_id=creator.type_id,
        type_version="",
        data=_NO_DATA,
        schema_variant="partial",
    )


def _policies(plans: Sequence[Plan]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(policy for plan in plans for policy in plan.policy_ids))


def _review(
    result: LaneResult,
    execution: RequestedExecution,
    plans: Sequence[Plan],
    now: datetime,
    *,
    item: SubmittedItem,
    action: PlannedAction,
) -> ReviewRequested:
    submission = result.submission
    return ReviewRequested(
        event_id=evaluation_id(cause=execution.execution_id, what="requested"),
        org_id=submission.org_id,
        time=now,
        correlation_id=submission.correlation_id,
        causation_id=submission.cause,
        entry_id=execution.execution_id,
        item=item,
        source="RULE_EXECUTION",
        config_revision=result.revision,
        rules=tuple([plan.rule for plan in plans]),
        policy_ids=_policies(plans),
        note=_UNKNOWN_AUTHOR if action.of_author and item is submission.item else None,
        job_kind="NCMEC" if action.effect == "ncmec" else "DEFAULT",
        related_items=(submission.item,) if item is not submission.item else (),
    )


def _action(
    result: LaneResult, execution: RequestedExecution, plans: Sequence[Plan], now: datetime
) -> ActionRequested:
    submission = result.submission
    return ActionRequested(
        event_id=evaluation_id(cause=execution.execution_id, what="requested"),
        org_id=submission.org_id,
        time=now,
        correlation_id=submission.correlation_id,
        causation_id=submission.cause,
        execution_id=execution.execution_id,
        action_id=execution.action_id,
        item=submission.ref,
        source="RULE_EXECUTION",
        config_revision=result.revision,
        creator=submission.item.creator,
        rules=tuple([plan.rule for plan in plans]),
        policy_ids=_policies(plans),
        parameters=_parameters(plans, execution.action_id),
        cause_id=submission.submission_id,
    )


def _parameters(plans: Sequence[Plan], action_id: str) -> dict[str, Any]:
    """Those of the first rule, by id, that has some for this action."""
    for plan in plans:
        found = plan.parameters.get(action_id)
        if found:
            return dict(found)
    return {}
