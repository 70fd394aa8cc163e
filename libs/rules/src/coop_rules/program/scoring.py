"""Scores of signals that are not scans: computed here, or handed in from outside.

Guarantees: a score is computed once for an item, and by position of the input's values; what has
the wrong type or was not handed in is unknown, with the reason.
Must not: compare, or ask anyone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coop_contracts.event import SignalValue
from coop_rules.language.predicate import Predicate
from coop_rules.language.threshold import READERS, ComparisonFamily, enum_reader
from coop_rules.matching.geo import Areas
from coop_rules.matching.similarity import Similarity
from coop_rules.program.reading import by_position
from coop_rules.program.state import EvaluationState, MissingValue, Read, Score

Scores = Callable[[EvaluationState], list[Score]]

_NOT_GIVEN = Score(None, None, error="there is no value")


def scores(predicate: Predicate, read: Read, slot: int) -> Scores:
    """The scores of a predicate's signal, kept in `EvaluationState.scores[slot]`."""
    if predicate.need is not None:
        make = _external(predicate, read)
    elif isinstance(predicate.function, Similarity):
        make = _similarity(predicate.function, read)
    else:
        assert isinstance(predicate.function, Areas)
        make = _within(predicate.function, read)

    def kept(state: EvaluationState) -> list[Score]:
        found = state.scores[slot]
        if found is None:
            found = state.scores[slot] = make(state)
        return found

    return kept


def wrong_type(value: Any, expected: str) -> str:
    """Why a value is unknown."""
    if value.__class__ is MissingValue:
        return str(value.error)
    return f"a value is {type(value).__name__}, not {expected}"


def _similarity(similarity: Similarity, read: Read) -> Scores:
    def one(value: Any) -> Score:
        if value.__class__ is not str:
            return Score(None, None, error=wrong_type(value, "TEXT"))
        score, matched = similarity.score(value)
        return Score(score, score, matched)

    return lambda state: [one(value) for value in read(state)]


def _within(areas: Areas, read: Read) -> Scores:
    def one(value: Any) -> Score:
        if value.__class__ is not str:
            return Score(None, None, error=wrong_type(value, "TEXT"))
        try:
            matched = areas.find(value)
        except ValueError as error:
            return Score(None, None, error=str(error) or "is no geohash")
        within = matched is not None
        return Score(within, within, matched)

    return lambda state: [one(value) for value in read(state)]


def _external(predicate: Predicate, read: Read) -> Scores:
    assert predicate.need is not None
    key, signal = predicate.need.key, predicate.need.signal
    compared_of: Callable[[Any], Any]
    if predicate.family is ComparisonFamily.ENUM:
        compared_of = enum_reader(signal.order)
        expected = f"one of {', '.join(signal.order)}"
    else:
        assert predicate.family is not None
        compared_of, expected = READERS[predicate.family], predicate.family
    negated = predicate.negated

    def one(given: SignalValue | None) -> Score:
        if given is None:
            return _NOT_GIVEN
        if given.error is not None:
            return Score(None, None, given.matched_value, given.error)
        compared = compared_of(given.score)
        if compared is None:
            return Score(None, None, error=wrong_type(given.score, expected))
        if negated:
            return Score(not compared, not compared, given.matched_value)
        return Score(given.score, compared, given.matched_value)

    def made(state: EvaluationState) -> list[Score]:
        count = len(read(state))
        return [one(given) for given in by_position(state, key, count)] if count else []

    return made
