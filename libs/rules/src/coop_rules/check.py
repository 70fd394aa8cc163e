"""Whether a rule may be saved.

Guarantees: a rule without problems can be compiled and never fails for its types; every problem
names the place in the rule's document and the reason.
Must not: judge actions, policies or permissions: they are review-api's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coop_contracts.config import ItemType, RoutingRule, Rule, TextBank
from coop_contracts.error import pointer
from coop_rules.model import ConditionError, ConditionSet, Leaf, Problem, parse_condition_set
from coop_rules.predicate import BindError, Scope, bank_problems, bind

__all__ = ["bank_problems", "check_condition_set", "check_rule"]

_AT = "/conditionSet"


def check_rule(
    rule: Rule | RoutingRule,
    *,
    item_types: Mapping[str, ItemType],
    text_banks: Mapping[str, TextBank],
) -> list[Problem]:
    """Every reason not to save the rule; pointers are relative to its document."""
    problems = []
    if not rule.item_type_ids:
        problems.append(Problem("/itemTypeIds", "a rule needs at least one item type"))
    for index, type_id in enumerate(rule.item_type_ids):
        if type_id not in item_types:
            place = pointer("itemTypeIds", index)
            problems.append(Problem(place, f"there is no item type {type_id}"))
    found = check_condition_set(
        rule.condition_set,
        item_type_ids=rule.item_type_ids,
        item_types=item_types,
        text_banks=text_banks,
        routing=isinstance(rule, RoutingRule),
    )
    return problems + [Problem(_AT + p.pointer, p.reason) for p in found]


def check_condition_set(
    condition_set: object,
    *,
    item_type_ids: Sequence[str],
    item_types: Mapping[str, ItemType],
    text_banks: Mapping[str, TextBank],
    routing: bool = False,
) -> list[Problem]:
    """Every reason not to use a condition set for these item types; pointers are relative to it."""
    try:
        tree = parse_condition_set(condition_set)
    except ConditionError as error:
        return error.problems
    types = [item_types[type_id] for type_id in item_type_ids if type_id in item_types]
    scopes = {t.id: Scope(item_type=t, text_banks=text_banks, routing=routing) for t in types}
    problems: list[Problem] = []
    _check(tree, "", scopes, problems)
    return problems


def _check(
    node: ConditionSet | Leaf, at: str, scopes: Mapping[str, Scope], problems: list[Problem]
) -> None:
    if isinstance(node, Leaf):
        problems.extend(Problem(at + p.pointer, p.reason) for p in _leaf_problems(node, scopes))
        return
    if not node.conditions:
        # As logic it would pass (AND) or fail (OR) on every item, which nobody means.
        problems.append(Problem(f"{at}/conditions", "needs at least one condition"))
    for index, child in enumerate(node.conditions):
        _check(child, f"{at}/conditions/{index}", scopes, problems)


def _leaf_problems(leaf: Leaf, scopes: Mapping[str, Scope]) -> list[Problem]:
    type_id = leaf.input.content_type_id
    if type_id is None:
        wanted = list(scopes.values())
    elif type_id in scopes:
        wanted = [scopes[type_id]]
    else:
        reason = f"the rule does not apply to item type {type_id}"
        return [Problem("/input/contentTypeId", reason)]
    for scope in wanted:
        try:
            bind(leaf, scope)
        except BindError as error:
            return error.problems
    return []
