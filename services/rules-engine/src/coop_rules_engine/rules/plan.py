"""What a rule entails when it passes: its actions with their parameters, its policies, its limits.

Guarantees: an action's policies and rules can be told apart by rule, so that no rule lends them to
another's action; what will not be executed is said with the reason.
Must not: decide whether a rule passes.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Literal

from coop_contracts.action import applies_to, resolve_values
from coop_contracts.config import Action, ActionType, ItemType, OrgSettings, Rule
from coop_contracts.event import RuleRef
from coop_rules.program.program import EnabledRule


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """What one action of a matching live rule entails: a webhook, a review, or a review for NCMEC;
    of the item, or of its author."""

    action_id: str
    effect: Literal["custom", "review", "ncmec"]
    of_author: bool = False


@dataclass(frozen=True, slots=True)
class RuleLimits:
    """How much a rule may act: submissions a UTC day; actions a minute and distinct users an hour
    of its revision. None: without limit."""

    daily: int | None = None
    per_minute: int | None = None
    per_hour: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rule entails when it passes on items of one type. `parameters` are the actions' values
    by action id, with the defaults; `limits` is None where it may act without asking; `missing` are
    the actions that will not be executed, because they are gone."""

    rule: RuleRef
    live: bool
    actions: tuple[PlannedAction, ...]
    policy_ids: tuple[str, ...]
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    limits: RuleLimits | None = None
    missing: tuple[tuple[str, Literal["unknown"]], ...] = ()


def plan_of(
    enabled: EnabledRule,
    rule: Rule,
    item_type: ItemType,
    actions: Mapping[str, Action],
    policy_ids: Set[str],
    settings: OrgSettings | None,
) -> Plan:
    """The rule's plan on items of that type."""
    planned = []
    missing: list[tuple[str, Literal["unknown"]]] = []
    parameters = {}
    for action_id in dict.fromkeys(rule.action_ids):
        action = actions.get(action_id)
        if action is None:
            missing.append((action_id, "unknown"))
        elif applies_to(action, item_type_id=item_type.id, item_kind=item_type.kind):
            planned.append(_planned(action, item_type))
            parameters[action_id] = _values(action, rule.action_parameters.get(action_id, {}))
    live = enabled.status == "LIVE"
    return Plan(
        rule=enabled.ref,
        live=live,
        actions=tuple(planned),
        policy_ids=tuple(dict.fromkeys(p for p in rule.policy_ids if p in policy_ids)),
        parameters=parameters,
        limits=_limits(rule, settings, acts=bool(planned)) if live else None,
        missing=tuple(missing),
    )


def _limits(rule: Rule, settings: OrgSettings | None, *, acts: bool) -> RuleLimits | None:
    per_minute = rule.max_actions_per_minute
    per_hour = rule.max_users_per_hour
    if settings is not None:
        per_minute = settings.rule_max_actions_per_minute if per_minute is None else per_minute
        per_hour = settings.rule_max_users_per_hour if per_hour is None else per_hour
    if not acts:
        # What does nothing has no blast radius.
        per_minute = per_hour = None
    if rule.max_daily_actions is None and per_minute is None and per_hour is None:
        return None
    return RuleLimits(rule.max_daily_actions, per_minute, per_hour)


def _planned(action: Action, item_type: ItemType) -> PlannedAction:
    match action.action_type:
        case ActionType.CUSTOM_ACTION:
            return PlannedAction(action.id, "custom")
        case ActionType.ENQUEUE_TO_MRT:
            return PlannedAction(action.id, "review")
        case ActionType.ENQUEUE_AUTHOR_TO_MRT:
            return PlannedAction(action.id, "review", of_author=True)
        case ActionType.ENQUEUE_TO_NCMEC:
            return PlannedAction(action.id, "ncmec", of_author=item_type.kind != "USER")


def _values(action: Action, configured: Mapping[str, Any]) -> dict[str, Any]:
    """The configured values with the defaults; the defaults alone where the action was changed
    since, so that the configured ones no longer fit."""
    values, faults = resolve_values(action.parameters, configured)
    return resolve_values(action.parameters, {})[0] if faults else values
