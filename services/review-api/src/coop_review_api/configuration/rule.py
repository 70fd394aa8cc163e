"""Rules, routing rules and the item types they read.

Guarantees: a saved rule compiles for every one of its item types (`coop_rules.language.check`),
carries only actions that exist for those types and that the system can carry out; an item type is
not changed under the rules that read it so that they would no longer compile.
Must not: evaluate.
"""

from __future__ import annotations

from collections.abc import Iterator

from coop_contracts.action import applies_to
from coop_contracts.config import (
    Action,
    HashBank,
    ItemType,
    Kind,
    LocationBank,
    Queue,
    RoutingRule,
    Rule,
    RuleStatus,
    TextBank,
)
from coop_contracts.error import pointer
from coop_items import check_item_type_definition
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.configuration.parameter import resolve_values
from coop_review_api.kernel.error import Conflict, Fault
from coop_rules.language import check as rule_check
from coop_rules.language.model import ConditionProblem
from coop_rules.signal.catalogue import SignalCatalogue


def check_rule(rule: Rule, catalogue: Catalogue, signals: SignalCatalogue) -> Iterator[Fault]:
    """Faults of a rule."""
    yield from _of_language(rule, catalogue, signals)
    for position, action_id in enumerate(rule.action_ids):
        action = catalogue.get(Kind.ACTION, Action, action_id)
        if action is None:
            continue  # reported as a missing reference
        at = pointer("actionIds", position)
        for type_id in rule.item_type_ids:
            item_type = catalogue.get(Kind.ITEM_TYPE, ItemType, type_id)
            if item_type and not applies_to(
                action, item_type_id=item_type.id, item_kind=item_type.kind
            ):
                yield Fault(at, f"{action.name} does not apply to {item_type.name}")
    yield from _parameters(rule, catalogue)
    for value, field in (
        (rule.max_daily_actions, "maxDailyActions"),
        (rule.max_actions_per_minute, "maxActionsPerMinute"),
        (rule.max_users_per_hour, "maxUsersPerHour"),
    ):
        if value is not None and value < 1:
            yield Fault(pointer(field), "at least 1, or null for no limit")


def _parameters(rule: Rule, catalogue: Catalogue) -> Iterator[Fault]:
    for action_id in rule.action_parameters:
        if action_id not in rule.action_ids:
            yield Fault(pointer("actionParameters", action_id), "the rule has no such action")
    for action_id in dict.fromkeys(rule.action_ids):
        action = catalogue.get(Kind.ACTION, Action, action_id)
        if action is not None:
            at = pointer("actionParameters", action_id)
            values = rule.action_parameters.get(action_id, {})
            yield from resolve_values(action.parameters, values, at=at)[1]


def check_routing_rule(
    rule: RoutingRule, catalogue: Catalogue, signals: SignalCatalogue
) -> Iterator[Fault]:
    """Faults of a routing rule."""
    yield from _of_language(rule, catalogue, signals)
    queue = catalogue.get(Kind.QUEUE, Queue, rule.destination_queue_id)
    if queue is not None and queue.is_appeals_queue != rule.for_appeals:
        yield Fault(
            "/destinationQueueId",
            "appeals go to appeals queues, everything else to the others",
        )


def check_item_type(
    item_type: ItemType,
    previous: ItemType | None,
    catalogue: Catalogue,
    signals: SignalCatalogue,
) -> Iterator[Fault]:
    """Faults of an item type; `Conflict` when rules would no longer compile, naming them."""
    faults = [
        Fault(error.pointer or "", error.detail or error.title)
        for error in check_item_type_definition(item_type)
    ]
    if previous is not None:
        if previous.kind != item_type.kind:
            faults.append(Fault("/kind", "cannot be changed"))
        if previous.is_default_user_type != item_type.is_default_user_type:
            faults.append(Fault("/isDefaultUserType", "cannot be changed"))
        if not faults:
            _refuse_to_break_rules(item_type, catalogue, signals)
    yield from faults


def is_live(rule: Rule | None) -> bool:
    """Whether the rule acts on items."""
    return rule is not None and rule.status is RuleStatus.LIVE


def _of_language(
    rule: Rule | RoutingRule, catalogue: Catalogue, signals: SignalCatalogue
) -> Iterator[Fault]:
    for problem in _problems(rule, catalogue.all(Kind.ITEM_TYPE, ItemType), catalogue, signals):
        yield Fault(problem.pointer, problem.reason)


def _problems(
    rule: Rule | RoutingRule,
    item_types: dict[str, ItemType],
    catalogue: Catalogue,
    signals: SignalCatalogue,
) -> list[ConditionProblem]:
    return rule_check.check_rule(
        rule,
        item_types=item_types,
        text_banks=catalogue.all(Kind.TEXT_BANK, TextBank),
        location_banks=catalogue.all(Kind.LOCATION_BANK, LocationBank),
        hash_banks=catalogue.all(Kind.HASH_BANK, HashBank),
        catalogue=signals,
    )


def _refuse_to_break_rules(
    item_type: ItemType, catalogue: Catalogue, signals: SignalCatalogue
) -> None:
    now = catalogue.all(Kind.ITEM_TYPE, ItemType)
    then = {**now, item_type.id: item_type}
    # A draft from elsewhere may be broken already: what was wrong before is not this change's.
    broken = [
        f"{user_kind.replace('-', ' ')} {user.name}: {problem.reason}"
        for user_kind, user in catalogue.users_of(Kind.ITEM_TYPE, item_type.id)
        if isinstance(user, Rule | RoutingRule)
        for problem in _new_problems(user, now, then, catalogue, signals)
    ]
    if broken:
        raise Conflict("rules read this item type and would no longer work", used_by=broken)


def _new_problems(
    user: Rule | RoutingRule,
    now: dict[str, ItemType],
    then: dict[str, ItemType],
    catalogue: Catalogue,
    signals: SignalCatalogue,
) -> list[ConditionProblem]:
    problems = _problems(user, then, catalogue, signals)
    if not problems:
        return []
    # By their place: the words name the item type, which may be called otherwise now.
    before = {problem.pointer for problem in _problems(user, now, catalogue, signals)}
    return [problem for problem in problems if problem.pointer not in before]
