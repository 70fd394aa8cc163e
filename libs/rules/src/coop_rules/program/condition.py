"""Tests of single conditions: a function of an item's State, True, False or None (unknown).

Guarantees: "any value passes": True if one value does, else unknown if one has the wrong type or no
score, else False; without values False.
Must not: be the place of conditions that are tested most, plain numbers and found patterns: `shape`
writes those into the rules.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from coop_rules.language.comparison import LISTING
from coop_rules.language.model import Comparator
from coop_rules.language.predicate import Predicate, PredicateKind
from coop_rules.language.threshold import READERS, ComparisonFamily
from coop_rules.program.scoring import Scores
from coop_rules.program.state import EvaluationState, MissingValue, Outcome, Read, ScanResult, Test

Passes = Callable[[Any], bool]

COMPARE: Mapping[Comparator, Callable[[Any, Any], bool]] = {
    Comparator.EQUALS: operator.eq,
    Comparator.NOT_EQUAL_TO: operator.ne,
    Comparator.LESS_THAN: operator.lt,
    Comparator.LESS_THAN_OR_EQUALS: operator.le,
    Comparator.GREATER_THAN: operator.gt,
    Comparator.GREATER_THAN_OR_EQUALS: operator.ge,
}


def passes(predicate: Predicate) -> Passes:
    """Whether a score, as it is compared, passes."""
    comparator, threshold = predicate.comparator, predicate.threshold
    assert comparator is not None
    if comparator in LISTING:
        assert isinstance(threshold, frozenset)
        found: frozenset[Any] = threshold
        wanted = comparator is Comparator.IN
        return lambda score: (score in found) is wanted
    if comparator is Comparator.CONTAINS:
        if _is_substring(predicate):
            text = str(threshold)
            return lambda score: text in score
        comparator = Comparator.EQUALS
    compare = COMPARE[comparator]
    return lambda score: compare(score, threshold)


def _is_substring(predicate: Predicate) -> bool:
    values = predicate.values
    return values is not None and not values.is_list


def constant(predicate: Predicate) -> Test:
    """The test of a condition that no item changes."""
    outcome = None if predicate.kind is PredicateKind.BROKEN else predicate.constant
    return lambda _state: outcome


def presence(predicate: Predicate, read: Read, scores: Scores | None) -> Test:
    """IS_NOT_PROVIDED and IS_UNAVAILABLE."""
    if predicate.kind is PredicateKind.NOT_PROVIDED:
        return lambda state: not read(state)
    if scores is not None:
        return lambda state: any(score.compared is None for score in scores(state))
    if predicate.patterns is not None:
        return lambda state: any(value.__class__ is not str for value in read(state))
    if predicate.values is not None and predicate.values.source is not None:
        return lambda state: any(value.__class__ is MissingValue for value in read(state))
    return lambda _state: False  # a field is there or not; only a signal can be unavailable


def matching(scan: Callable[[EvaluationState], ScanResult], position: int, *, found: bool) -> Test:
    """Whether in any value the pattern set at `position` is found (or is not)."""

    def test_found(state: EvaluationState) -> Outcome:
        scanned = scan(state)
        return True if position in scanned.found else None if scanned.bad else False

    def test_without(state: EvaluationState) -> Outcome:
        scanned = scan(state)
        if scanned.texts and position not in scanned.every:
            return True
        return None if scanned.bad else False

    return test_found if found else test_without


def comparing(predicate: Predicate, read: Read) -> Test:
    """A comparison of plain values."""
    assert predicate.family is not None
    passing, convert = passes(predicate), READERS[predicate.family]
    if predicate.key is not None:
        return _in_map(predicate, passing if predicate.threshold is not None else None)

    def test(state: EvaluationState) -> Outcome:
        outcome: Outcome = False
        for value in read(state):
            score = convert(value)
            if score is None:
                outcome = None
            elif passing(score):
                return True
        return outcome

    return test


def _in_map(predicate: Predicate, passing: Passes | None) -> Test:
    """A map that has the key, or a value that passes. A key is there whatever its value is."""
    assert predicate.values is not None
    assert predicate.family is not None
    name, key, convert = predicate.values.name, predicate.key, READERS[predicate.family]

    def test(state: EvaluationState) -> Outcome:
        found = state.data.get(name)
        if found is None:
            return False
        if not isinstance(found, dict):
            return None
        if key in found:
            return True
        outcome: Outcome = False
        for value in found.values():
            if value is None or passing is None:
                continue
            score = convert(value)
            if score is None:
                outcome = None
            elif passing(score):
                return True
        return outcome

    return test


def scoring(predicate: Predicate, scores: Scores) -> Test:
    """A comparison of scores."""
    passing = passes(predicate)

    def test(state: EvaluationState) -> Outcome:
        outcome: Outcome = False
        for score in scores(state):
            if score.compared is None:
                outcome = None
            elif passing(score.compared):
                return True
        return outcome

    return test


def is_plain_number(predicate: Predicate) -> bool:
    """Whether a condition compares the number of one field with one threshold: `shape` and `index`
    have their own way with those."""
    values = predicate.values
    return (
        predicate.kind is PredicateKind.COMPARE
        and predicate.family is ComparisonFamily.NUMBER
        and predicate.signal is None
        and predicate.comparator in COMPARE
        and values is not None
        and values.is_plain
    )
