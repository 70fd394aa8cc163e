"""What rules did in the past, as the events that the engine would have sent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta

from coop_contracts import ids
from coop_contracts.event import (
    ActionDelivered,
    ActionRequested,
    ConditionResult,
    ItemRef,
    ItemSubmitted,
    RequestedExecution,
    RuleOutcome,
    RuleRef,
    RulesEvaluated,
)
from coop_local.demo.past.plan import PastCatch

_EVALUATED_AFTER = timedelta(milliseconds=40)
_DELIVERED_AFTER = timedelta(milliseconds=210)


def events_of(
    catch: PastCatch,
    submitted: ItemSubmitted,
    *,
    rule: RuleRef,
    documents: Mapping[str, Mapping[str, str]],
) -> tuple[RulesEvaluated, ActionRequested]:
    """That the rule passed, and what it asked for. `documents`: ids by collection and name."""
    item = ItemRef(submitted.item.id, submitted.item.type_id)
    action_id = documents["actions"][catch.action]
    execution_id = ids.execution_id(
        cause=submitted.submission_id,
        action=action_id,
        target=ids.item_key(submitted.org_id, item.type_id, item.id),
    )
    condition = hashlib.sha256(rule.id.encode()).hexdigest()[:16]
    evaluated = RulesEvaluated(
        event_id=ids.evaluation_id(cause=submitted.submission_id, what="past"),
        org_id=submitted.org_id,
        time=submitted.time + _EVALUATED_AFTER,
        correlation_id=submitted.correlation_id,
        submission_id=submitted.submission_id,
        item=item,
        config_revision=submitted.config_revision,
        rules=(RuleOutcome(rule=rule, status="LIVE", passed=True, conditions=(0,)),),
        conditions=(
            ConditionResult(
                condition=condition, outcome="PASSED", score=True, matched_value=catch.matched
            ),
        ),
        executions=(RequestedExecution(execution_id=execution_id, action_id=action_id),),
        type_version=submitted.item.type_version,
        creator=submitted.item.creator,
        submitted_at=submitted.time,
    )
    requested = ActionRequested(
        event_id=execution_id,
        org_id=submitted.org_id,
        time=evaluated.time,
        correlation_id=submitted.correlation_id,
        execution_id=execution_id,
        action_id=action_id,
        item=item,
        source="RULE_EXECUTION",
        config_revision=submitted.config_revision,
        creator=submitted.item.creator,
        rules=(rule,),
        policy_ids=(documents["policies"][catch.policy],),
        cause_id=submitted.submission_id,
    )
    return evaluated, requested


def delivered(request: ActionRequested) -> ActionDelivered:
    """That the platform took it."""
    return ActionDelivered(
        event_id=ids.evaluation_id(cause=request.execution_id, what="past delivery"),
        org_id=request.org_id,
        time=request.time + _DELIVERED_AFTER,
        correlation_id=request.correlation_id,
        execution_id=request.execution_id,
        action_id=request.action_id,
        item=request.item,
        state="DELIVERED",
        attempts=1,
        status=204,
    )
