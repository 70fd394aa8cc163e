"""The record of every rule, made of parts that are there already, is the one made rule by rule."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coop_contracts.event import ConditionResult, ItemRef, RuleOutcome, SignalValue
from coop_rules.program.compiler import compile_program
from coop_rules.program.program import Evaluation, EvaluationRecord, Program
from coop_rules.program.state import EvaluationState, Facts, Outcome

from .rules_example import (
    ALL_TEXT,
    ANYWHERE,
    NOW,
    POST,
    both,
    either,
    field,
    leaf,
    program,
    rule,
    text,
)
from .rules_random import World, condition_sets, items
from .test_program import WHO, signals_of

Signals = Mapping[str, Sequence[SignalValue]]


def one_by_one(compiled: Program, facts: Facts, signals: Signals) -> Evaluation:
    """Every rule that has not expired evaluated in its order, nothing selected."""
    state = EvaluationState(
        facts, signals, inputs=compiled.inputs, scans=compiled.scans, scores=compiled.scores
    )
    outcomes: list[tuple[int, Outcome]] = [
        (index, code.test(state))
        for index, code in enumerate(compiled.rules)
        if code.rule.expires_at is None or code.rule.expires_at > facts.at
    ]
    return Evaluation(compiled, state, outcomes)


def assert_same(
    compiled: Program,
    data: dict[str, Any],
    creator: ItemRef | None = None,
    signals: Signals | None = None,
) -> EvaluationRecord:
    """Both records, to the byte; the record."""
    facts = Facts.read(data, at=NOW, creator=creator)
    plain = one_by_one(compiled, facts, signals or {})
    traced = compiled.evaluate_facts(facts, trace=True, signals=signals or {})
    assert traced.outcomes == plain.outcomes
    assert traced.notable == [entry for entry in plain.outcomes if entry[1] is not False]
    record = traced.record()
    assert [bytes(part) for part in record] == [bytes(part) for part in plain.record()]
    assert [bytes(part) for part in traced.record()] == [bytes(part) for part in record]
    return record


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(condition_sets, min_size=1, max_size=6),
    st.lists(items, min_size=1, max_size=3),
    WHO,
    st.data(),
)
def test_same_bytes(
    found: list[Any], many: list[dict[str, Any]], creator: ItemRef | None, drawn: st.DataObject
) -> None:
    """Whatever the rules and the values: the same bytes, for one item after another."""
    compiled = program(*found, routing=True, catalogue=ANYWHERE)
    for data in many:
        assert_same(compiled, data, creator, signals_of(compiled, World(drawn), data, creator))


def _outcomes(record: EvaluationRecord) -> list[str]:
    decoded = msgspec.json.decode(record.conditions, type=list[ConditionResult])
    return [one.outcome for one in decoded]


def test_a_search_that_no_rule_needs_is_skipped() -> None:
    """What selects rules asks for more searches than the rules do: the record does not say so."""
    dear = text("x+y", kind="CONTAINS_REGEX", source=field("tags"))
    compiled = program(both(leaf(field("likes"), "GREATER_THAN", 5), dear))
    record = assert_same(compiled, {"likes": 1, "tags": ["xxy"]})
    assert _outcomes(record) == ["FAILED", "SKIPPED"]
    assert _outcomes(assert_same(compiled, {"likes": 9, "tags": ["xxy"]})) == ["PASSED", "PASSED"]


@pytest.mark.parametrize("value", [None, 3, 3.5, 10**30, "3", True, [3], {"x": 3}])
def test_a_number_of_any_type(value: Any) -> None:
    """A number is recorded as it is, anything else with the reason."""
    comparators = ("GREATER_THAN", "LESS_THAN", "EQUALS", "NOT_EQUAL_TO", "LESS_THAN_OR_EQUALS")
    compiled = program(
        *(
            both(leaf(field("likes"), name, 3), leaf(field("likes"), name, 2))
            for name in comparators
        )
    )
    assert_same(compiled, {"likes": value, "title": value})


def test_what_has_expired_is_not_there() -> None:
    """An expired rule is left out, and so are the conditions that it alone has; the others' places
    are counted without them. The next one to expire is left out, too."""
    conditions = [both(text(c), leaf(field("likes"), "EQUALS", n)) for n, c in enumerate("abc")]
    times = {0: NOW - timedelta(days=1), 1: NOW + timedelta(days=1)}
    rules = [rule(c, f"r{i}", expires_at=times.get(i)) for i, c in enumerate(conditions)]
    compiled = compile_program(rules, item_type=POST, text_banks={})
    data = {"likes": 2, "title": "a b c"}
    first = msgspec.json.decode(assert_same(compiled, data).rules, type=list[RuleOutcome])
    assert [(one.rule.id, one.passed, one.conditions) for one in first] == [
        ("r1", False, (0, 1)),
        ("r2", True, (2, 3)),
    ]
    later = compiled.evaluate(data, at=NOW + timedelta(days=2), trace=True)
    assert [(one.rule.id, one.conditions) for one in later.results()[0]] == [("r2", (0, 1))]


def test_no_rules_and_no_conditions() -> None:
    """Nothing is an empty list, and a rule without conditions has no places."""
    assert [bytes(part) for part in assert_same(program(), {})] == [b"[]", b"[]"]
    assert_same(program(both()), {"title": "x"})


def test_without_failed() -> None:
    """What is left of a record that is too large is the record without a trace."""
    compiled = program(either(text("a")), either(text("b", source=ALL_TEXT)), either(text("c")))
    data = {"title": "b"}
    traced = compiled.evaluate(data, at=NOW, trace=True)
    assert traced.without_failed().results() == compiled.evaluate(data, at=NOW).results()


def test_a_program_is_freed_with_its_last_reference() -> None:
    """A program that was traced needs no garbage collector."""
    compiled = program(both(text("a"), leaf(field("likes"), "EQUALS", 1)))
    compiled.evaluate({"title": "a", "likes": 1}, at=NOW, trace=True).record()
    gc.disable()
    try:
        known = weakref.ref(next(iter(compiled.forms.values())))
        del compiled
        assert known() is None
    finally:
        gc.enable()
