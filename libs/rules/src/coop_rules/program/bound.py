"""Rules bound to an item type: the tree of a rule with every leaf made a predicate.

Guarantees: a rule that did not change, under an item type and banks that did not, is not bound
again: a new revision costs what changed. A leaf that no longer fits is a broken predicate, with its
reasons in `problems`.
Must not: know the rules beside it; `compiler` puts them together.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from coop_rules.language.model import (
    ConditionError,
    ConditionProblem,
    ConditionSet,
    Conjunction,
    Input,
    InputType,
    Leaf,
)
from coop_rules.language.parse import parse_condition_set
from coop_rules.language.predicate import BindError, Predicate, bind, broken
from coop_rules.language.scope import BindingScope
from coop_rules.program.program import EnabledRule

_LIMIT = 50_000  # rules kept


@dataclass(frozen=True, slots=True)
class BoundLeaf:
    """`at` is the leaf's JSON pointer in its condition set."""

    predicate: Predicate
    at: str


@dataclass(frozen=True, slots=True)
class BoundSet:
    conjunction: Conjunction
    children: tuple[BoundSet | BoundLeaf, ...]


@dataclass(frozen=True, slots=True)
class BoundRule:
    tree: BoundSet | BoundLeaf
    problems: tuple[ConditionProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class _CachedRule:
    rule: BoundRule
    condition_set: object
    scope: BindingScope
    item_type_ids: tuple[str, ...]
    banks: tuple[Any, ...]
    bank_ids: tuple[tuple[str, ...], tuple[str, ...]]


class RuleCache:
    """Bound rules by organisation, item type and rule. Belongs to one thread at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, bool, str], _CachedRule] = OrderedDict()
        self.bound = 0  # how many rules were bound, ever

    def bind(self, rule: EnabledRule, scope: BindingScope) -> BoundRule:
        """The rule in the scope's item type."""
        key = (scope.org_id, scope.item_type.id, scope.routing, rule.ref.id)
        kept = self._kept.get(key)
        if kept is not None and _is_same(kept, rule, scope):
            self._kept.move_to_end(key)
            return kept.rule
        self.bound += 1
        made, ids = _bind_rule(rule, scope)
        # What has problems may come right with a bank that arrives: that is tried each time.
        if not made.problems:
            self._kept[key] = _CachedRule(
                made,
                rule.condition_set,
                scope,
                tuple(rule.item_type_ids),
                _banks(scope, *ids),
                ids,
            )
            while len(self._kept) > _LIMIT:
                self._kept.popitem(last=False)
        return made


def _is_same(kept: _CachedRule, rule: EnabledRule, scope: BindingScope) -> bool:
    old = kept.scope
    return (
        kept.condition_set is rule.condition_set
        and (old.item_type is scope.item_type or old.item_type == scope.item_type)
        and old.catalogue is scope.catalogue
        and kept.item_type_ids == rule.item_type_ids
        and all(
            bank is known
            for bank, known in zip(_banks(scope, *kept.bank_ids), kept.banks, strict=True)
        )
    )


def _banks(scope: BindingScope, texts: Sequence[str], locations: Sequence[str]) -> tuple[Any, ...]:
    return (
        *(scope.text_banks.get(bank_id) for bank_id in texts),
        *(scope.location_banks.get(bank_id) for bank_id in locations),
    )


def _bind_rule(
    rule: EnabledRule, scope: BindingScope
) -> tuple[BoundRule, tuple[tuple[str, ...], tuple[str, ...]]]:
    try:
        tree = parse_condition_set(rule.condition_set)
    except ConditionError as error:
        # A rule that cannot even be read is one condition that is always errored.
        unread = Leaf(input=Input(type=InputType.FULL_ITEM, name=rule.ref.id))
        leaf = BoundLeaf(broken(unread, f"the rule cannot be read: {error}"), "")
        return BoundRule(leaf, tuple(error.problems)), ((), ())
    problems: list[ConditionProblem] = []
    made = bind_tree(tree, scope, problems, item_type_ids=rule.item_type_ids)
    texts: dict[str, None] = {}
    locations: dict[str, None] = {}
    for leaf_ in _leaves(tree):
        matching = leaf_.matching_values
        if matching is not None:
            texts |= dict.fromkeys(matching.text_bank_ids)
            locations |= dict.fromkeys(matching.location_bank_ids)
    return BoundRule(made, tuple(problems)), (tuple(texts), tuple(locations))


def bind_tree(
    node: ConditionSet | Leaf,
    scope: BindingScope,
    problems: list[ConditionProblem],
    *,
    item_type_ids: Sequence[str] = (),
    at: str = "",
) -> BoundSet | BoundLeaf:
    """The tree with every leaf bound; what is wrong is added to `problems`, by pointer."""
    if isinstance(node, ConditionSet):
        children = tuple(
            bind_tree(
                child, scope, problems, item_type_ids=item_type_ids, at=f"{at}/conditions/{index}"
            )
            for index, child in enumerate(node.conditions)
        )
        return BoundSet(node.conjunction, children)
    try:
        return BoundLeaf(bind(node, scope, item_type_ids=item_type_ids), at)
    except BindError as error:
        problems.extend(ConditionProblem(at + p.pointer, p.reason) for p in error.problems)
        return BoundLeaf(broken(node, str(error)), at)


def _leaves(node: ConditionSet | Leaf) -> Iterator[Leaf]:
    """Every leaf, those of aggregations included."""
    if isinstance(node, ConditionSet):
        for child in node.conditions:
            yield from _leaves(child)
        return
    yield node
    clause = None if node.signal is None else node.signal.aggregation
    if clause is not None and clause.condition_set is not None:
        yield from _leaves(clause.condition_set)
