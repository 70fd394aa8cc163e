"""The explanation of a submission: what was recorded, with names, words and what became of it.

    record (projection) + documents at the recorded revision (log) ──▶ Explanation

Guarantees: rules, actions, policies and banks have the names that they had then; what is no longer
known is said so, not left out.
Must not: judge who may see it; `desk` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Action, Kind, Policy, Rule
from coop_contracts.event import ItemRef, Lane, RuleOutcome, RulesEvaluated, SignalValue
from coop_review_api.configuration.past import documents_at
from coop_review_api.explanation import record
from coop_review_api.explanation.material import Material, material_of
from coop_review_api.explanation.tree import Findings, Node, Unreadable, explain
from coop_rules.language.model import ConditionProblem
from coop_rules.signal.catalogue import SignalCatalogue


class Named(Struct, frozen=True, kw_only=True, rename="camel"):
    """Something by its id; the name is null where it was not there any more."""

    id: str
    name: str | None


class ExplainedRule(Struct, frozen=True, kw_only=True, rename="camel"):
    """A rule. `limited`: it passed and did not act, because of its limits. `conditions` is null,
    and `problems` say why, where its conditions cannot be read any more."""

    id: str
    name: str
    revision: int
    status: str
    passed: bool | None
    limited: bool
    actions: tuple[Named, ...]
    policies: tuple[Named, ...]
    conditions: Node | None
    problems: tuple[ConditionProblem, ...] = ()


class ExplainedExecution(Struct, frozen=True, kw_only=True, rename="camel"):
    """An action that was requested, the rules that asked for it, and what became of it."""

    execution_id: str
    action: Named
    rule_ids: tuple[str, ...]
    state: record.ExecutionState
    attempts: int
    status: int | None
    error: str | None
    time: datetime | None
    job_id: str | None


class ExplainedEvaluation(Struct, frozen=True, kw_only=True, rename="camel"):
    """One lane's evaluation. Without `sampled`, rules that did not pass are not listed."""

    lane: Lane
    evaluated_at: datetime
    config_revision: int
    sampled: bool
    rules: tuple[ExplainedRule, ...]
    executions: tuple[ExplainedExecution, ...]
    signals: tuple[SignalValue, ...]


class Explanation(Struct, frozen=True, kw_only=True, rename="camel"):
    """Why something happened to a submission."""

    submission_id: str
    item: ItemRef
    item_type_name: str | None
    evaluations: tuple[ExplainedEvaluation, ...]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What is known of one evaluation."""

    event: RulesEvaluated
    material: Material
    actions: Mapping[str, Action]
    policies: Mapping[str, Policy]
    outcomes: Mapping[str, record.ExecutionOutcome]


async def gather(
    connection: AsyncConnection, org_id: str, events: Sequence[RulesEvaluated]
) -> list[Parts]:
    """What an explanation of these evaluations is made of."""
    outcomes = await record.outcomes(
        connection, org_id, [one.execution_id for event in events for one in event.executions]
    )
    parts = []
    for event in events:
        parts.append(await _parts(connection, org_id, event, outcomes))
    return parts


async def _parts(
    connection: AsyncConnection,
    org_id: str,
    event: RulesEvaluated,
    outcomes: Mapping[str, record.ExecutionOutcome],
) -> Parts:
    revision = event.config_revision
    rule_ids = [outcome.rule.id for outcome in event.rules]
    rules = await documents_at(connection, org_id, revision, Kind.RULE, Rule, ids=rule_ids)
    found = [rule for rule, _ in rules.values()]
    action_ids = {action_id for rule in found for action_id in rule.action_ids}
    action_ids |= {execution.action_id for execution in event.executions}
    policy_ids = {policy_id for rule in found for policy_id in rule.policy_ids}
    actions = await documents_at(connection, org_id, revision, Kind.ACTION, Action, ids=action_ids)
    policies = await documents_at(connection, org_id, revision, Kind.POLICY, Policy, ids=policy_ids)
    return Parts(
        event=event,
        material=await material_of(connection, org_id, revision, event.item.type_id, rules),
        actions={one: document for one, (document, _) in actions.items()},
        policies={one: document for one, (document, _) in policies.items()},
        outcomes=outcomes,
    )


async def explained(parts: Sequence[Parts], signals: SignalCatalogue) -> Explanation:
    """The explanation; there is at least one part."""
    # Binding conditions hashes whole banks.
    return await asyncio.to_thread(_explained, parts, signals)


def _explained(parts: Sequence[Parts], signals: SignalCatalogue) -> Explanation:
    event, item_type = parts[0].event, parts[-1].material.item_type
    return Explanation(
        submission_id=event.submission_id,
        item=event.item,
        item_type_name=None if item_type is None else item_type.name,
        evaluations=tuple(_evaluation(one, signals) for one in parts),
    )


def _evaluation(parts: Parts, signals: SignalCatalogue) -> ExplainedEvaluation:
    event = parts.event
    findings = Findings(event.conditions, event.signals, names=parts.material.bank_names)
    return ExplainedEvaluation(
        lane=event.lane,
        evaluated_at=event.time,
        config_revision=event.config_revision,
        sampled=event.sampled,
        rules=tuple(_rule(parts, outcome, findings, signals) for outcome in event.rules),
        executions=tuple(
            _execution(parts, one.execution_id, one.action_id) for one in event.executions
        ),
        signals=event.signals,
    )


def _rule(
    parts: Parts, outcome: RuleOutcome, findings: Findings, signals: SignalCatalogue
) -> ExplainedRule:
    found = parts.material.rules.get(outcome.rule.id)
    rule = None if found is None else found[0]
    tree = _tree(parts, rule, outcome.passed, findings, signals)
    return ExplainedRule(
        id=outcome.rule.id,
        name=outcome.rule.name,
        revision=outcome.rule.revision,
        status=outcome.status,
        passed=outcome.passed,
        limited=outcome.rule.id in parts.event.limited,
        actions=tuple(_named(parts.actions, one) for one in (rule.action_ids if rule else ())),
        policies=tuple(_named(parts.policies, one) for one in (rule.policy_ids if rule else ())),
        conditions=tree if isinstance(tree, Node) else None,
        problems=tree.problems if isinstance(tree, Unreadable) else (),
    )


def _tree(
    parts: Parts,
    rule: Rule | None,
    passed: bool | None,
    findings: Findings,
    signals: SignalCatalogue,
) -> Node | Unreadable:
    item_type = parts.material.item_type
    if rule is None or item_type is None:
        missing = "the rule" if rule is None else "the item type"
        return Unreadable(
            problems=(ConditionProblem("", f"{missing} is not in the log of that revision"),)
        )
    return explain(
        rule.condition_set,
        parts.material.scope(item_type, signals),
        findings,
        item_type_ids=rule.item_type_ids,
        passed=passed,
    )


def _execution(parts: Parts, execution_id: str, action_id: str) -> ExplainedExecution:
    outcome = parts.outcomes[execution_id]
    carriers = [
        one.rule.id
        for one in parts.event.rules
        if one.passed and one.status == "LIVE" and one.rule.id not in parts.event.limited
    ]
    rules = parts.material.rules
    return ExplainedExecution(
        execution_id=execution_id,
        action=_named(parts.actions, action_id),
        rule_ids=tuple(
            rule_id
            for rule_id in carriers
            if rule_id in rules and action_id in rules[rule_id][0].action_ids
        ),
        state=outcome.state,
        attempts=outcome.attempts,
        status=outcome.status,
        error=outcome.error,
        time=outcome.time,
        job_id=outcome.job_id,
    )


def _named(documents: Mapping[str, Action] | Mapping[str, Policy], document_id: str) -> Named:
    found = documents.get(document_id)
    return Named(id=document_id, name=None if found is None else found.name)
