"""Whether a rule may be saved.

Guarantees: a rule without problems can be compiled and never fails for its types; every problem
names the place in the rule's document and the reason.
Must not: judge actions, policies or permissions: they are review-api's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coop_contracts.config import (
    BankChunk,
    HashBank,
    ItemType,
    LocationBank,
    RoutingRule,
    Rule,
    TextBank,
)
from coop_contracts.error import pointer
from coop_rules.language.model import ConditionError, ConditionProblem, ConditionSet, Leaf
from coop_rules.language.parse import parse_condition_set
from coop_rules.language.predicate import BindError, bind
from coop_rules.language.scope import Banks, BindingScope
from coop_rules.signal.catalogue import SignalCatalogue

_AT = "/conditionSet"


def check_rule(
    rule: Rule | RoutingRule,
    *,
    item_types: Mapping[str, ItemType],
    text_banks: Mapping[str, TextBank],
    location_banks: Mapping[str, LocationBank] | None = None,
    chunks: Mapping[str, BankChunk] | None = None,
    hash_banks: Mapping[str, HashBank] | None = None,
    catalogue: SignalCatalogue | None = None,
) -> list[ConditionProblem]:
    """Every reason not to save the rule; pointers are relative to its document. Without
    `hash_banks`, whether image banks exist is not checked."""
    problems = []
    if not rule.item_type_ids:
        problems.append(ConditionProblem("/itemTypeIds", "a rule needs at least one item type"))
    for index, type_id in enumerate(rule.item_type_ids):
        if type_id not in item_types:
            place = pointer("itemTypeIds", index)
            problems.append(ConditionProblem(place, f"there is no item type {type_id}"))
    found = check_condition_set(
        rule.condition_set,
        item_type_ids=rule.item_type_ids,
        item_types=item_types,
        text_banks=text_banks,
        location_banks=location_banks,
        chunks=chunks,
        hash_banks=hash_banks,
        routing=isinstance(rule, RoutingRule),
        catalogue=catalogue,
    )
    return problems + [ConditionProblem(_AT + p.pointer, p.reason) for p in found]


def check_condition_set(
    condition_set: object,
    *,
    item_type_ids: Sequence[str],
    item_types: Mapping[str, ItemType],
    text_banks: Mapping[str, TextBank],
    location_banks: Mapping[str, LocationBank] | None = None,
    chunks: Mapping[str, BankChunk] | None = None,
    hash_banks: Mapping[str, HashBank] | None = None,
    routing: bool = False,
    catalogue: SignalCatalogue | None = None,
) -> list[ConditionProblem]:
    """Every reason not to use a condition set for these item types; pointers are relative to it."""
    try:
        tree = parse_condition_set(condition_set)
    except ConditionError as error:
        return error.problems
    banks = Banks()
    scopes = {
        type_id: BindingScope(
            item_type=item_types[type_id],
            text_banks=text_banks,
            location_banks=location_banks or {},
            chunks=chunks or {},
            hash_banks=hash_banks,
            banks=banks,
            routing=routing,
            catalogue=catalogue or SignalCatalogue.builtin(),
        )
        for type_id in item_type_ids
        if type_id in item_types
    }
    problems: list[ConditionProblem] = []
    _check(tree, "", scopes, problems)
    return problems


def _check(
    node: ConditionSet | Leaf,
    at: str,
    scopes: Mapping[str, BindingScope],
    problems: list[ConditionProblem],
) -> None:
    if isinstance(node, Leaf):
        problems.extend(
            ConditionProblem(at + p.pointer, p.reason) for p in _leaf_problems(node, scopes)
        )
        return
    if not node.conditions:
        # As logic it would pass (AND) or fail (OR) on every item, which nobody means.
        problems.append(ConditionProblem(f"{at}/conditions", "needs at least one condition"))
    for index, child in enumerate(node.conditions):
        _check(child, f"{at}/conditions/{index}", scopes, problems)


def _leaf_problems(leaf: Leaf, scopes: Mapping[str, BindingScope]) -> list[ConditionProblem]:
    type_id = leaf.input.content_type_id
    if type_id is not None and type_id not in scopes:
        reason = f"the rule does not apply to item type {type_id}"
        place = "/input/contentTypeId" if leaf.input.spec is None else "/input/spec/source"
        return [ConditionProblem(place, reason)]
    for index, named in enumerate(leaf.input.content_type_ids):
        if named not in scopes:
            reason = f"the rule does not apply to item type {named}"
            return [ConditionProblem(pointer("input", "contentTypeIds", index), reason)]
    wanted = scopes.values() if type_id is None else [scopes[type_id]]
    for scope in wanted:
        try:
            bind(leaf, scope, item_type_ids=tuple(scopes))
        except BindError as error:
            return error.problems
    return []
