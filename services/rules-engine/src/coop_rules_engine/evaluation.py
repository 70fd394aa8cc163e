"""What one submission entails under a rule set: the result and the effects, as messages.

Guarantees: exactly one RulesEvaluated for a submission; at most one effect for a submission and
action, with an id made of both, so that evaluating twice entails nothing twice; an effect carries
the rules and policies of the matching live rules that have that very action.
Must not: publish. Evaluates under the event's own time.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from coop_contracts.event import (
    ActionRequested,
    ItemRef,
    ItemSubmitted,
    RequestedExecution,
    ReviewRequested,
    RuleRef,
    RulesEvaluated,
)
from coop_contracts.ids import execution_id, item_key, new_id
from coop_rules_engine import metric
from coop_rules_engine.ruleset import Plan, PlannedAction, RuleSet, TypeRules
from coop_runtime.error import Poison
from coop_runtime.message import Message, message_of

_PASSED = {
    True: metric.OUTCOMES.labels("LIVE", "passed"),
    False: metric.OUTCOMES.labels("BACKGROUND", "passed"),
}
_UNKNOWN = {
    True: metric.OUTCOMES.labels("LIVE", "unknown"),
    False: metric.OUTCOMES.labels("BACKGROUND", "unknown"),
}
_REQUESTED = {kind: metric.REQUESTED.labels(kind) for kind in ("custom", "review")}
_MISSING = {reason: metric.NOT_EXECUTED.labels(reason) for reason in ("not_available", "unknown")}


def evaluate(
    event: ItemSubmitted, rules: RuleSet, *, now: datetime, traceparent: str
) -> list[Message]:
    """The messages of one submission; the result is the first. `now` is their time.

    Raises Poison when the item's data is not a JSON object.
    """
    item = event.item
    key = item_key(event.org_id, item.type_id, item.id)
    ref = ItemRef(item.id, item.type_id)
    found = rules.types.get(item.type_id)
    if found is None:
        # The item type was deleted after the submission: there is no rule left to evaluate.
        result = _result(event, ref, rules.revision, now)
        return [message_of(result, key=key, traceparent=traceparent)]
    try:
        evaluation = found.program.evaluate(item.data, at=event.time, creator=item.creator)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Poison(f"the item's data is not a JSON object: {error}") from error
    if not evaluation.outcomes:
        result = _result(event, ref, rules.revision, now)
        return [message_of(result, key=key, traceparent=traceparent)]
    matching = _count(found, evaluation.outcomes)
    effects = _effects(event, key, matching, rules.revision, now)
    outcomes, conditions = evaluation.results()
    result = RulesEvaluated(
        event_id=new_id(),
        org_id=event.org_id,
        time=now,
        correlation_id=event.correlation_id,
        causation_id=event.event_id,
        submission_id=event.submission_id,
        item=ref,
        config_revision=rules.revision,
        rules=outcomes,
        conditions=conditions,
        executions=tuple(execution for execution, _ in effects),
    )
    messages = [message_of(result, key=key, traceparent=traceparent)]
    messages += [message_of(effect, key=key, traceparent=traceparent) for _, effect in effects]
    return messages


def _result(event: ItemSubmitted, ref: ItemRef, revision: int, now: datetime) -> RulesEvaluated:
    return RulesEvaluated(
        event_id=new_id(),
        org_id=event.org_id,
        time=now,
        correlation_id=event.correlation_id,
        causation_id=event.event_id,
        submission_id=event.submission_id,
        item=ref,
        config_revision=revision,
    )


def _count(found: TypeRules, outcomes: list[tuple[int, bool | None]]) -> list[Plan]:
    """Counts the outcomes; gives the plans of the live rules that passed."""
    matching = []
    for index, outcome in outcomes:
        plan = found.plans[index]
        if not outcome:
            _UNKNOWN[plan.live].inc()
            continue
        _PASSED[plan.live].inc()
        if plan.live:
            matching.append(plan)
            for _, reason in plan.missing:
                _MISSING[reason].inc()
    return matching


def _effects(
    event: ItemSubmitted,
    key: str,
    matching: list[Plan],
    revision: int,
    now: datetime,
) -> list[tuple[RequestedExecution, ActionRequested | ReviewRequested]]:
    carriers: dict[PlannedAction, list[Plan]] = {}
    for plan in matching:
        for action in plan.actions:
            carriers.setdefault(action, []).append(plan)
    effects: list[tuple[RequestedExecution, ActionRequested | ReviewRequested]] = []
    for action, plans in carriers.items():
        effect_id = execution_id(cause=event.submission_id, action=action.action_id, target=key)
        refs = tuple(plan.rule for plan in plans)
        policies = tuple(dict.fromkeys(policy for plan in plans for policy in plan.policy_ids))
        _REQUESTED[action.effect].inc()
        execution = RequestedExecution(execution_id=effect_id, action_id=action.action_id)
        make = _review if action.effect == "review" else _action
        effects.append((execution, make(event, execution, refs, policies, revision, now)))
    return effects


def _review(
    event: ItemSubmitted,
    execution: RequestedExecution,
    rules: tuple[RuleRef, ...],
    policy_ids: tuple[str, ...],
    revision: int,
    now: datetime,
) -> ReviewRequested:
    return ReviewRequested(
        event_id=new_id(),
        org_id=event.org_id,
        time=now,
        correlation_id=event.correlation_id,
        causation_id=event.event_id,
        entry_id=execution.execution_id,
        item=event.item,
        source="RULE_EXECUTION",
        config_revision=revision,
        rules=rules,
        policy_ids=policy_ids,
    )


def _action(
    event: ItemSubmitted,
    execution: RequestedExecution,
    rules: tuple[RuleRef, ...],
    policy_ids: tuple[str, ...],
    revision: int,
    now: datetime,
) -> ActionRequested:
    return ActionRequested(
        event_id=new_id(),
        org_id=event.org_id,
        time=now,
        correlation_id=event.correlation_id,
        causation_id=event.event_id,
        execution_id=execution.execution_id,
        action_id=execution.action_id,
        item=ItemRef(event.item.id, event.item.type_id),
        source="RULE_EXECUTION",
        config_revision=revision,
        creator=event.item.creator,
        rules=rules,
        policy_ids=policy_ids,
    )
