"""What one condition found in one item, for the record.

Guarantees: the outcome is the compiled condition's own; score and matched value are those of the
value that decided it. Must not: decide anything again, or make a scan that evaluation did not need.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from coop_contracts.event import ConditionResult, Outcome
from coop_rules.model import Comparator
from coop_rules.predicate import Predicate, PredicateKind
from coop_rules.source import family_of, identifier_of, url_of
from coop_rules.threshold import Family, read_time

if TYPE_CHECKING:
    from coop_rules.program import State

MAX_RECORDED = 256  # characters of a score or matched value in the record

_COMPARE: Mapping[Comparator, Callable[[Any, Any], bool]] = {
    Comparator.EQUALS: operator.eq,
    Comparator.NOT_EQUAL_TO: operator.ne,
    Comparator.LESS_THAN: operator.lt,
    Comparator.LESS_THAN_OR_EQUALS: operator.le,
    Comparator.GREATER_THAN: operator.gt,
    Comparator.GREATER_THAN_OR_EQUALS: operator.ge,
}


Describe = Callable[["State"], ConditionResult]


def describer(
    predicate: Predicate,
    test: Callable[[State], bool | None],
    values: Callable[[State], list[Any]] | None,
    *,
    scan: int,
    position: int,
) -> Describe:
    """The function that records one condition: made once for a program, because an item that
    matches has dozens of conditions to record."""
    if predicate.kind is PredicateKind.BROKEN:
        return _always(predicate, "ERRORED", error=predicate.error)
    if values is None or predicate.kind is PredicateKind.NOT_PROVIDED:
        return _presence(predicate, test)
    if predicate.kind is PredicateKind.MATCH:
        return _matching(predicate, test, values, scan, position)
    if predicate.kind is PredicateKind.UNAVAILABLE:
        return _availability(predicate, test, values)
    return _comparing(predicate, values)


def _always(predicate: Predicate, outcome: Outcome, **others: Any) -> Describe:
    result = ConditionResult(condition=predicate.id, outcome=outcome, **others)
    return lambda _state: result


def _presence(predicate: Predicate, test: Callable[[State], bool | None]) -> Describe:
    passed = ConditionResult(condition=predicate.id, outcome="PASSED")
    constant = predicate.kind is PredicateKind.CONSTANT
    failed = ConditionResult(
        condition=predicate.id, outcome="INAPPLICABLE" if constant else "FAILED"
    )
    return lambda state: passed if test(state) else failed


def _availability(
    predicate: Predicate,
    test: Callable[[State], bool | None],
    values: Callable[[State], list[Any]],
) -> Describe:
    passed, failed, absent = (
        ConditionResult(condition=predicate.id, outcome=outcome)
        for outcome in ("PASSED", "FAILED", "INAPPLICABLE")
    )

    def describe(state: State) -> ConditionResult:
        if not values(state):
            return absent
        return passed if test(state) else failed

    return describe


def _matching(
    predicate: Predicate,
    test: Callable[[State], bool | None],
    values: Callable[[State], list[Any]],
    scan: int,
    position: int,
) -> Describe:
    condition = predicate.id
    skipped = ConditionResult(condition=condition, outcome="SKIPPED")
    absent = ConditionResult(condition=condition, outcome="INAPPLICABLE")
    # Not found, in the value that decided: the score is `negated`.
    without: dict[bool, ConditionResult] = {
        passed: ConditionResult(
            condition=condition, outcome="PASSED" if passed else "FAILED", score=predicate.negated
        )
        for passed in (True, False)
    }
    found_passes = predicate.expected is not predicate.negated

    def describe(state: State) -> ConditionResult:
        scans = state.scans[scan]
        if scans is None:
            return skipped
        passed = test(state)
        if passed is None:
            return _wrong_type(predicate, values(state))
        if not scans:
            return absent
        if passed is not found_passes:
            return without[passed]
        string = next(hits[position] for hits in scans if hits is not None and position in hits)
        return ConditionResult(
            condition=condition,
            outcome="PASSED" if passed else "FAILED",
            score=not predicate.negated,
            matched_value=string[:MAX_RECORDED],
        )

    return describe


def _comparing(predicate: Predicate, values: Callable[[State], list[Any]]) -> Describe:
    assert predicate.comparator is not None
    condition, threshold = predicate.id, predicate.threshold
    compare = _COMPARE[predicate.comparator]
    score_of = _scores(predicate)
    absent = ConditionResult(condition=condition, outcome="INAPPLICABLE")

    def describe(state: State) -> ConditionResult:
        found = values(state)
        if not found:
            return absent
        first: Any = None
        bad = False
        for value in found:
            score = score_of(value)
            if score is None:
                bad = True
            elif compare(score, threshold):
                return ConditionResult(
                    condition=condition, outcome="PASSED", score=_recorded(score)
                )
            elif first is None:
                first = score
        if bad:
            return _wrong_type(predicate, found)
        return ConditionResult(condition=condition, outcome="FAILED", score=_recorded(first))

    return describe


def _wrong_type(predicate: Predicate, values: list[Any]) -> ConditionResult:
    score_of = _scores(predicate)
    wrong = next(value for value in values if score_of(value) is None)
    assert predicate.values is not None
    expected = "TEXT" if predicate.patterns is not None else predicate.values.family
    return ConditionResult(
        condition=predicate.id,
        outcome="ERRORED",
        error=f"a value is {type(wrong).__name__}, not {expected}",
    )


def _scores(predicate: Predicate) -> Callable[[Any], Any]:
    """Gives a value as it is compared, or None where its type is wrong."""
    assert predicate.values is not None
    if predicate.patterns is not None:
        return _text
    return _SCORES[family_of(predicate.values)]


def _number(value: Any) -> Any:
    return value if value.__class__ is float or value.__class__ is int else None


def _boolean(value: Any) -> Any:
    return value if value.__class__ is bool else None


def _text(value: Any) -> Any:
    return value if value.__class__ is str else None


_SCORES: Mapping[Family, Callable[[Any], Any]] = {
    Family.NUMBER: _number,
    Family.BOOLEAN: _boolean,
    Family.TEXT: _text,
    Family.DATETIME: read_time,
    Family.REFERENCE: identifier_of,
    Family.MEDIA: url_of,
}


def _recorded(score: Any) -> Any:
    if score.__class__ is str:
        return score[:MAX_RECORDED]
    return score.isoformat() if isinstance(score, datetime) else score
