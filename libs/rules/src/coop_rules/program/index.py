"""Which rules are worth testing on an item: found from what the item has, not by asking each rule.

Guarantees: a rule that is not selected is False on the item. Every rule is filed under a set of
conditions of which at least one must not be false for the rule not to be false (`triggers`).
Must not: decide rules.

    number of a plain field   thresholds in order, found by bisection; equal ones by a table
    pattern set found         the positions that the scan found
    anything else             tested for each item, once for all rules filed under it

A condition's set is itself; of an AND, one child's set suffices (the cheapest); of an OR or XOR all
children's together; a NOT has none. This holds for three values, with "not false" for "true".
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence

from coop_rules.language.model import Comparator, Conjunction
from coop_rules.language.predicate import Predicate, PredicateKind
from coop_rules.program.condition import is_plain_number
from coop_rules.program.state import EvaluationState, ScanResult, Test
from coop_rules.signal.signal import Matching

Select = Callable[[EvaluationState], None]
"""Adds the rules worth testing to `EvaluationState.candidates`."""

Triggers = frozenset[int] | None
"""Indexes of conditions; None: the rule may pass whatever the conditions say."""

_ALWAYS = 1_000  # the weight of what cannot be filed


def leaf_triggers(index: int, predicate: Predicate) -> tuple[Triggers, int]:
    """The set of one condition and its weight: how often it will be true for nothing, and what
    finding that out costs an item."""
    match predicate.kind:
        case PredicateKind.CONSTANT:
            return (None, _ALWAYS) if predicate.constant else (frozenset(), 0)
        case PredicateKind.BROKEN:
            return None, _ALWAYS
        case PredicateKind.MATCH if predicate.found_passes:
            patterns = predicate.patterns
            dear = patterns is not None and patterns.matching is not Matching.CONTAINS
            return frozenset([index]), 2 if dear else 1
        case PredicateKind.COMPARE if is_plain_number(predicate):
            exact = predicate.comparator is Comparator.EQUALS
            return frozenset([index]), 3 if exact else 6
        case _:
            return frozenset([index]), 10 + predicate.cost


def set_triggers(
    conjunction: Conjunction, children: Sequence[tuple[Triggers, int]]
) -> tuple[Triggers, int]:
    """The set of a condition set, and its weight."""
    if conjunction is Conjunction.NOT:
        return None, _ALWAYS
    if conjunction is Conjunction.AND:
        if not children:
            return None, _ALWAYS
        return min(children, key=lambda child: (child[0] is None, child[1]))
    found: set[int] = set()
    for triggers, _ in children:
        if triggers is None:
            return None, _ALWAYS
        found |= triggers
    return frozenset(found), sum(weight for _, weight in children)


def number_select(field: str, conditions: Sequence[tuple[Predicate, Sequence[int]]]) -> Select:
    """Selects by the number of a plain field: each condition with the rules filed under it."""
    everything = _rules(conditions)
    below = _sorted(conditions, Comparator.GREATER_THAN)  # thresholds below the number
    to = _sorted(conditions, Comparator.GREATER_THAN_OR_EQUALS)
    above = _sorted(conditions, Comparator.LESS_THAN)
    from_ = _sorted(conditions, Comparator.LESS_THAN_OR_EQUALS)
    equal: dict[float, list[int]] = {}
    others: dict[float, list[int]] = {}
    for predicate, rules in conditions:
        if predicate.comparator is Comparator.EQUALS:
            equal.setdefault(predicate.threshold, []).extend(rules)  # type: ignore[arg-type]
        elif predicate.comparator is Comparator.NOT_EQUAL_TO:
            others.setdefault(predicate.threshold, []).extend(rules)  # type: ignore[arg-type]

    def select(state: EvaluationState) -> None:
        value = state.data.get(field)
        if value is None:
            return
        candidates = state.candidates
        if value.__class__ is not float and value.__class__ is not int:
            candidates += everything
            return
        if below and value > below[0][0]:
            candidates += below[1][: below[2][bisect_left(below[0], value)]]
        if to and value >= to[0][0]:
            candidates += to[1][: to[2][bisect_right(to[0], value)]]
        if above and value < above[0][-1]:
            candidates += above[1][above[2][bisect_right(above[0], value)] :]
        if from_ and value <= from_[0][-1]:
            candidates += from_[1][from_[2][bisect_left(from_[0], value)] :]
        if equal:
            candidates += equal.get(value, ())
        for threshold, rules in others.items():
            if threshold != value:
                candidates += rules

    return select


_Sorted = tuple[list[float], list[int], list[int]]


def _sorted(
    conditions: Sequence[tuple[Predicate, Sequence[int]]], comparator: Comparator
) -> _Sorted | None:
    """Thresholds in order; the rules in the order of their thresholds; where each threshold's rules
    begin (and, last, where they all end)."""
    found = sorted(
        ((p.threshold, rules) for p, rules in conditions if p.comparator is comparator),
        key=lambda entry: entry[0],  # type: ignore[arg-type,return-value]
    )
    if not found:
        return None
    thresholds: list[float] = []
    flat: list[int] = []
    starts: list[int] = []
    for threshold, rules in found:
        thresholds.append(threshold)  # type: ignore[arg-type]  # a plain number's is one
        starts.append(len(flat))
        flat += rules
    return thresholds, flat, [*starts, len(flat)]


def scan_select(
    scan: Callable[[EvaluationState], ScanResult], rules_of: Mapping[int, Sequence[int]]
) -> Select:
    """Selects by what a scan finds: the rules filed under each position of a pattern set."""
    everything = sorted({rule for rules in rules_of.values() for rule in rules})
    nothing: tuple[int, ...] = ()

    def select(state: EvaluationState) -> None:
        found = scan(state)
        candidates = state.candidates
        if found.bad:
            candidates += everything
            return
        for position in found.found:
            candidates += rules_of.get(position, nothing)

    return select


def condition_select(test: Test, rules: Sequence[int]) -> Select:
    """Selects by testing one condition."""

    def select(state: EvaluationState) -> None:
        if test(state) is not False:
            state.candidates += rules

    return select


def _rules(conditions: Sequence[tuple[Predicate, Sequence[int]]]) -> list[int]:
    return sorted({rule for _, rules in conditions for rule in rules})
