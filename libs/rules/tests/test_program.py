"""The compiled program says what a plain reading of the conditions says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coop_contracts.config import Rule, RuleStatus
from coop_contracts.event import ItemRef, RulesEvaluated, SignalValue, encode
from coop_rules.program.compiler import CompilerCache, compile_program
from coop_rules.program.program import EnabledRule, Facts, Program

from .rules_example import (
    ALL_TEXT,
    ANYWHERE,
    BANKS,
    NOW,
    POST,
    both,
    either,
    field,
    leaf,
    one_of,
    outcome,
    program,
    rule,
    text,
)
from .rules_random import REFERENCE, World, condition_sets, items

WHO = st.one_of(st.none(), st.just(ItemRef("u1", "user")))


def signals_of(
    compiled: Program, world: World, data: dict[str, Any], creator: ItemRef | None
) -> dict[str, list[SignalValue]]:
    """What the program needs, asked for as a service does."""
    facts = Facts.read(data, at=NOW, creator=creator)
    found: dict[str, list[SignalValue]] = {}
    for need in compiled.needs:
        count = len(compiled.inputs_of(need, facts, found))
        values = world.values(need.key, need.signal.name, count)
        if values:
            found[need.key] = values
    return found


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(condition_sets, min_size=1, max_size=5), items, WHO, st.data())
def test_program_equals_reference(
    found: list[Any], data: dict[str, Any], creator: ItemRef | None, drawn: st.DataObject
) -> None:
    """All rules compiled together give what a plain evaluator gives for each alone, and without
    a trace exactly those that did not fail are named."""
    compiled = program(*found, routing=True, catalogue=ANYWHERE)
    assert not compiled.problems
    signals = signals_of(compiled, World(drawn), data, creator)
    expected = [REFERENCE.evaluate(one, data, creator=creator, signals=signals) for one in found]
    traced = compiled.evaluate(data, at=NOW, creator=creator, trace=True, signals=signals)
    assert [result for _, result in traced.outcomes] == expected, repr(
        (found, data, creator, signals)
    )
    raw = msgspec.json.encode(data)
    named = compiled.evaluate(raw, at=NOW, creator=creator, signals=signals)
    assert named.outcomes == [(i, o) for i, o in enumerate(expected) if o is not False]
    for evaluation in (traced, named):
        rules, conditions = evaluation.results()
        assert len({condition.condition for condition in conditions}) <= len(conditions)
        for entry, (_, result) in zip(rules, evaluation.outcomes, strict=True):
            assert entry.passed is result
            assert all(0 <= place < len(conditions) for place in entry.conditions)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(condition_sets, min_size=1, max_size=3), items, WHO, st.data())
def test_record_explains_outcome(
    found: list[Any], data: dict[str, Any], creator: ItemRef | None, drawn: st.DataObject
) -> None:
    """Each recorded condition's outcome is what a plain evaluator gives for that leaf, and each
    leaf has its place."""
    compiled = program(*found, routing=True, catalogue=ANYWHERE)
    signals = signals_of(compiled, World(drawn), data, creator)
    evaluation = compiled.evaluate(data, at=NOW, creator=creator, trace=True, signals=signals)
    rules, conditions = evaluation.results()
    truth = {"PASSED": True, "FAILED": False, "INAPPLICABLE": False, "ERRORED": None}

    def leaf_at(node: Any, pointer: str) -> Any:
        for part in pointer.split("/")[1:]:
            node = node[int(part)] if isinstance(node, list) else node[part]
        return node

    for condition_set, code, entry in zip(found, compiled.rules, rules, strict=True):
        recorded = dict(zip(code.conditions, entry.conditions, strict=True))
        for place in code.places:
            result = conditions[recorded[place.condition]]
            predicate = compiled.conditions[place.condition].predicate
            assert result.condition == predicate.id
            one = leaf_at(condition_set, place.pointer)
            if result.outcome != "SKIPPED":
                plain = REFERENCE.evaluate(one, data, creator=creator, signals=signals)
                assert truth[result.outcome] is plain, (one, data, creator, signals, result)


def test_any_value_passes() -> None:
    """A multi-valued number passes when any value does, not only the first (Coop's defect)."""
    condition = both(leaf(field("scores"), "GREATER_THAN", 5))
    assert outcome(condition, {"scores": [1, 9]}) is True
    assert outcome(condition, {"scores": [1, 2]}) is False
    assert outcome(condition, {"scores": [1, "x"]}) is None
    assert outcome(condition, {"scores": ["x", 9]}) is True


def test_empty_is_not_provided() -> None:
    """An empty list, a null and an item without text are not provided."""
    for source in (ALL_TEXT, field("tags"), field("title")):
        condition = both(leaf(source, "IS_NOT_PROVIDED"))
        assert outcome(condition, {"tags": [], "title": None}) is True
        assert outcome(condition, {"tags": ["x"], "title": "y"}) is False


@pytest.mark.parametrize("size", [1, 2, 3])
def test_logic_of_unknown(size: int) -> None:
    """Unknown conditions follow the three-valued tables of AND, OR and XOR."""
    yes, no, unknown = (leaf(field("likes"), "EQUALS", n) for n in (1, 2, 3))
    unknown = leaf(field("title"), "EQUALS", "x")
    data = {"likes": 1, "title": 5}
    assert outcome(both(*[unknown] * size, no), data) is False
    assert outcome(both(*[unknown] * size, yes), data) is None
    assert outcome(either(*[unknown] * size, yes), data) is True
    assert outcome(either(*[unknown] * size, no), data) is None
    other = leaf(field("likes"), "LESS_THAN", 5)
    assert outcome(one_of(unknown, yes, other), data) is False
    assert outcome(one_of(unknown, yes), data) is None
    assert outcome(one_of(yes, no), data) is True
    assert outcome(both(), data) is True
    assert outcome(either(), data) is False


def test_record_names_what_matched() -> None:
    """The record has the bank's own spelling of what matched, the deciding score, and errors."""
    found = both(
        text(banks=("words",)),
        either(leaf(field("scores"), "GREATER_THAN", "2.5"), leaf(field("title"), "EQUALS", "x")),
    )
    data = {"title": "die STRASSE", "scores": [1, 3, 4]}
    _, conditions = program(found).evaluate(data, at=NOW).results()
    by_score = {condition.score: condition for condition in conditions}
    assert by_score[True].matched_value == "Straße"
    assert by_score[3.0].outcome == "PASSED"
    assert by_score["die STRASSE"].outcome == "FAILED"
    assert all(len(condition.condition) == 16 for condition in conditions)
    wrong_type = both(leaf(field("likes"), "EQUALS", 1))
    _, (error,) = program(wrong_type).evaluate({"likes": "many"}, at=NOW).results()
    assert (error.outcome, error.error) == ("ERRORED", "a value is str, not NUMBER")


def test_scan_that_was_not_needed_is_skipped() -> None:
    """A scan that no rule needed is not made for the record: its condition is SKIPPED."""
    found = either(leaf(field("likes"), "EQUALS", 1), text("x", kind="NOT_CONTAINS_REGEX"))
    compiled = compile_program([rule(found)], item_type=POST, text_banks={})
    # NOT_CONTAINS is indexed by evaluating it, so the cheap condition is put under an AND.
    compiled = compile_program([rule(both(found, text("spam")))], item_type=POST, text_banks={})
    _, conditions = compiled.evaluate({"likes": 1, "title": "spam"}, at=NOW).results()
    assert sorted(condition.outcome for condition in conditions) == ["PASSED", "PASSED", "SKIPPED"]


def test_conditions_are_shared_and_stable() -> None:
    """One meaning is one condition with one id, however it is written and in whatever rule."""
    first = program(
        both(leaf(field("likes"), "GREATER_THAN", "5"), text("a", "b")),
        either(text("b", "a"), leaf(field("likes"), "GREATER_THAN", 5.0)),
    )
    assert len(first.conditions) == 2
    second = program(both(text("a", "b")))
    ids = {code.predicate.id for code in first.conditions}
    assert second.conditions[0].predicate.id in ids
    assert program(both(text("a", "c"))).conditions[0].predicate.id not in ids


def test_bank_content_is_part_of_the_meaning() -> None:
    """A condition's id changes with the contents of its bank, not with the bank's name."""
    found = [rule(both(text(banks=("words",))))]
    renamed = msgspec.structs.replace(BANKS["words"], name="Other")
    changed = msgspec.structs.replace(BANKS["words"], strings=("spam",))
    ids = [
        compile_program(found, item_type=POST, text_banks={"words": bank}).conditions[0]
        for bank in (BANKS["words"], renamed, changed)
    ]
    assert ids[0].predicate.id == ids[1].predicate.id != ids[2].predicate.id


def test_unchanged_bank_is_not_compiled_again() -> None:
    """A revision that leaves the banks alone compiles no matcher."""
    cache = CompilerCache()
    program(both(text(banks=("words",))), cache=cache)
    built = cache.scanners.built
    program(
        both(text(banks=("words",)), leaf(field("likes"), "EQUALS", 1)),
        both(leaf(field("likes"), "EQUALS", 2)),
        cache=cache,
    )
    assert cache.scanners.built == built


def test_what_no_longer_fits_is_errored() -> None:
    """A deleted bank, a removed field or an unreadable rule is unknown and says why; the other
    rules are not disturbed."""
    compiled = program(
        both(text(banks=("gone",))),
        both(leaf(field("removed"), "EQUALS", 1)),
        {"conjunction": "NAND"},
        both(leaf(field("likes"), "EQUALS", 1)),
        both(leaf(field("removed"), "EQUALS", 1), leaf(field("likes"), "EQUALS", 2)),
    )
    evaluation = compiled.evaluate({"likes": 1}, at=NOW)
    assert evaluation.outcomes == [(0, None), (1, None), (2, None), (3, True)]
    assert set(compiled.problems) == {"r0", "r1", "r2", "r4"}
    _, conditions = evaluation.results()
    assert "no text bank gone" in str(conditions[0].error)
    assert "no field removed" in str(conditions[1].error)


def test_expired_rules_do_not_run() -> None:
    """A rule does not run from its expiration on, by the event's time and not by the clock."""
    always = both(leaf(field("likes"), "GREATER_THAN", 0))
    rules = [
        rule(always, "expired", expires_at=NOW),
        rule(always, "later", expires_at=NOW + timedelta(seconds=1)),
    ]
    compiled = compile_program(rules, item_type=POST, text_banks={})
    for trace in (False, True):
        outcomes = compiled.evaluate({"likes": 1}, at=NOW, trace=trace).outcomes
        assert outcomes == [(1, True)]


def test_status_decides_whether_a_rule_runs() -> None:
    """Only live and background rules are enabled."""
    for status in RuleStatus:
        found = Rule(id="r", name="R", status=status, item_type_ids=("post",), condition_set={})
        enabled = EnabledRule.of(found, 3)
        assert (enabled is not None) == (status in ("LIVE", "BACKGROUND"))
        assert enabled is None or enabled.status == status


def test_routing_inputs() -> None:
    """Routing rules see the policies and the source they are given."""
    policy = {"type": "CONTENT_COOP_INPUT", "name": "Relevant Policy"}
    source = {"type": "CONTENT_COOP_INPUT", "name": "Source"}
    found = both(leaf(policy, "EQUALS", "p2"), leaf(source, "EQUALS", "REPORT"))
    compiled = compile_program([rule(found)], item_type=POST, text_banks={}, routing=True)
    passed = compiled.evaluate({}, at=NOW, policy_ids=("p1", "p2"), source="REPORT")
    assert passed.passed() == [0]
    assert compiled.evaluate({}, at=NOW, policy_ids=("p1",), source="REPORT").passed() == []
    assert compiled.evaluate({}, at=NOW).passed() == []


def test_any_media() -> None:
    """Any image and any video see MEDIA fields too, by what the value says it is."""
    image = both(leaf({"type": "CONTENT_COOP_INPUT", "name": "Any image"}, "IS_NOT_PROVIDED"))
    video = both(leaf({"type": "CONTENT_COOP_INPUT", "name": "Any video"}, "IS_NOT_PROVIDED"))
    data = {"media": {"url": "https://x.test/a.png", "mediaType": "IMAGE"}}
    assert outcome(image, data) is False
    assert outcome(video, data) is True
    assert outcome(image, {"picture": {"url": "https://x.test/a"}}) is False


def test_data_that_is_no_object_is_refused() -> None:
    """Bytes that are not a JSON object raise a decoding error, and nothing else."""
    compiled = program(both(leaf(field("likes"), "EQUALS", 1)))
    for data in (b"[]", b"{", b'"x"', b"", b"\xff"):
        with pytest.raises(msgspec.DecodeError):
            compiled.evaluate(data, at=NOW)


def test_results_fit_the_event() -> None:
    """Rules and conditions go into RulesEvaluated as they are, and come back the same."""
    found = both(text("spam"), leaf(field("sent"), "LESS_THAN", "2027-01-01"))
    data = {"title": "spam", "sent": "2026-05-05T00:00:00.000Z"}
    rules, conditions = program(found).evaluate(data, at=NOW).results()
    event = RulesEvaluated(
        event_id="e",
        org_id="o",
        time=NOW,
        correlation_id="c",
        submission_id="s",
        item=ItemRef("i", "post"),
        config_revision=1,
        rules=rules,
        conditions=conditions,
    )
    assert msgspec.json.decode(encode(event), type=RulesEvaluated) == event
