"""What one condition found in one item, for the record, encoded.

Guarantees: the outcome is the compiled condition's own; score and matched value are those of the
value that decided it. What is made is the JSON of a ConditionResult.
Must not: decide anything again, or make a scan or a score that evaluation did not need.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from coop_contracts.event import ConditionResult, Outcome
from coop_rules.language.predicate import Predicate, PredicateKind
from coop_rules.language.threshold import READERS, ComparisonFamily, identifier_of
from coop_rules.program.condition import COMPARE, is_plain_number, passes
from coop_rules.program.scoring import wrong_type
from coop_rules.program.state import EvaluationState, Read, Score, Test

MAX_RECORDED = 256  # characters of a score or matched value in the record
_MAX_KEPT = 10_000  # fragments kept for the strings of one pattern set
_DECIDED: tuple[Outcome, ...] = ("PASSED", "FAILED")

Describe = Callable[[EvaluationState], bytes]

_encode = msgspec.json.Encoder().encode


def describer(
    predicate: Predicate, test: Test, read: Read | None, *, scan: int, position: int, slot: int
) -> Describe:
    """The function that records one condition: made once for a program, because an item that
    matches has dozens of conditions to record. `scan` and `position` are where a match is, `slot`
    where scores are."""
    fixed = fixed_result(predicate)
    if fixed is not None:
        return lambda _state: fixed
    assert read is not None
    if predicate.kind is PredicateKind.NOT_PROVIDED:
        return _presence(predicate, read)
    if predicate.kind is PredicateKind.UNAVAILABLE:
        return _availability(predicate, test, read)
    if predicate.kind is PredicateKind.MATCH:
        return _matching(predicate, test, read, scan, position)
    if slot >= 0:
        return _scoring(predicate, slot)
    if is_plain_number(predicate):
        return _number(predicate)
    return _comparing(predicate, test, read)


def _result(
    predicate: Predicate,
    outcome: Outcome,
    *,
    score: Any = None,
    matched: str | None = None,
    error: str | None = None,
) -> bytes:
    return _encode(
        ConditionResult(
            condition=predicate.id,
            outcome=outcome,
            score=_recorded(score),
            matched_value=None if matched is None else matched[:MAX_RECORDED],
            error=None if error is None else error[:MAX_RECORDED],
        )
    )


def fixed_result(predicate: Predicate) -> bytes | None:
    """What is recorded of a condition that no item changes; None of any other."""
    if predicate.kind is PredicateKind.BROKEN:
        return _result(predicate, "ERRORED", error=predicate.error)
    if predicate.values is None:
        return _result(predicate, "PASSED" if predicate.constant else "INAPPLICABLE")
    return None


def _presence(predicate: Predicate, read: Read) -> Describe:
    absent, present = _result(predicate, "PASSED"), _result(predicate, "FAILED")
    return lambda state: present if read(state) else absent


def _availability(predicate: Predicate, test: Test, read: Read) -> Describe:
    passed, failed = _result(predicate, "PASSED"), _result(predicate, "FAILED")
    absent = _result(predicate, "INAPPLICABLE")

    def describe(state: EvaluationState) -> bytes:
        if not read(state):
            return absent
        return passed if test(state) else failed

    return describe


class SearchParts(NamedTuple):
    """What is recorded of a search that was not made, had no text, found nothing."""

    skipped: bytes
    absent: bytes
    without: bytes


def search_parts(predicate: Predicate) -> SearchParts:
    """Of a condition that looks for patterns."""
    # Not found, in the value that decided: the score is `negated`.
    outcome: Outcome = "FAILED" if predicate.found_passes else "PASSED"
    return SearchParts(
        _result(predicate, "SKIPPED"),
        _result(predicate, "INAPPLICABLE"),
        _result(predicate, outcome, score=predicate.negated),
    )


def _matching(predicate: Predicate, test: Test, read: Read, scan: int, position: int) -> Describe:
    skipped, absent, without = search_parts(predicate)
    found_passes, negated = predicate.found_passes, predicate.negated
    outcome: Outcome = "PASSED" if found_passes else "FAILED"
    kept: dict[str, bytes] = {}

    def describe(state: EvaluationState) -> bytes:
        scanned = state.scans[scan]
        if scanned is None:
            return skipped
        if not found_passes or scanned.bad:
            passed = test(state)
            if passed is None:
                return _result(predicate, "ERRORED", error=_wrong(predicate, read(state)))
            string = scanned.found.get(position) if passed is found_passes else None
        else:
            string = scanned.found.get(position)
        if not scanned.texts:
            return absent
        if string is None:
            return without
        result = kept.get(string)
        if result is None:
            result = _result(predicate, outcome, score=not negated, matched=string)
            if len(kept) < _MAX_KEPT:
                kept[string] = result
        return result

    return describe


class NumberParts(NamedTuple):
    """What is recorded before a number that passed or failed. (After it: the closing brace.)"""

    passed: bytes
    failed: bytes


def number_parts(predicate: Predicate) -> NumberParts:
    """Of a condition that compares the number of one field."""
    passed, failed = (_result(predicate, outcome, score=0) for outcome in _DECIDED)
    return NumberParts(passed[: -len("0}")], failed[: -len("0}")])


def _number(predicate: Predicate) -> Describe:
    assert predicate.values is not None
    assert predicate.comparator is not None
    field, threshold = predicate.values.name, predicate.threshold
    compare = COMPARE[predicate.comparator]
    absent = _result(predicate, "INAPPLICABLE")
    passed, failed = number_parts(predicate)

    def describe(state: EvaluationState) -> bytes:
        value = state.data.get(field)
        if value is None:
            return absent
        if value.__class__ is not float and value.__class__ is not int:
            return _result(predicate, "ERRORED", error=wrong_type(value, "NUMBER"))
        return (passed if compare(value, threshold) else failed) + _encode(value) + b"}"

    return describe


def _comparing(predicate: Predicate, test: Test, read: Read) -> Describe:
    assert predicate.family is not None
    convert, passing = READERS[predicate.family], passes(predicate)
    absent = _result(predicate, "INAPPLICABLE")

    def describe(state: EvaluationState) -> bytes:
        values = read(state)
        if not values:
            return absent
        outcome = test(state)
        if outcome is None:
            return _result(predicate, "ERRORED", error=_wrong(predicate, values))
        scores = [score for value in values if (score := convert(value)) is not None]
        if not outcome:
            return _result(predicate, "FAILED", score=scores[0] if scores else None)
        if predicate.key is not None and predicate.key in state.data[predicate.values.name]:  # type: ignore[union-attr]
            return _result(predicate, "PASSED", score=predicate.key)
        deciding = next(score for score in scores if passing(score))
        return _result(predicate, "PASSED", score=deciding)

    return describe


def _scoring(predicate: Predicate, slot: int) -> Describe:
    passing = passes(predicate)
    skipped, absent = _result(predicate, "SKIPPED"), _result(predicate, "INAPPLICABLE")

    def describe(state: EvaluationState) -> bytes:
        scores = state.scores[slot]
        if scores is None:
            return skipped
        if not scores:
            return absent
        for score in scores:
            if score.compared is not None and passing(score.compared):
                return _scored(predicate, "PASSED", score)
        for score in scores:
            if score.compared is None:
                return _scored(predicate, "ERRORED", score)
        return _scored(predicate, "FAILED", scores[0])

    return describe


def _scored(predicate: Predicate, outcome: Outcome, score: Score) -> bytes:
    return _result(predicate, outcome, score=score.score, matched=score.matched, error=score.error)


def _wrong(predicate: Predicate, values: list[Any]) -> str:
    expected = ComparisonFamily.TEXT if predicate.patterns is not None else predicate.family
    assert expected is not None
    convert = READERS[expected]
    value = next((value for value in values if convert(value) is None), values[0])
    return wrong_type(value, expected)


def _recorded(score: Any) -> Any:
    if score.__class__ is str:
        return score[:MAX_RECORDED]
    if isinstance(score, datetime):
        return score.isoformat()
    return score if isinstance(score, bool | int | float | None) else identifier_of(score)
