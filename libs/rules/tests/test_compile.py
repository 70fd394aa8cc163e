"""Compiling: sharing, large trees, and what a new revision costs."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coop_contracts.config import BankChunk, TextBank
from coop_rules.program.compiler import CompilerCache, compile_program
from coop_rules.program.shape import MAX_INLINE, factory

from .rules_example import (
    ALL_TEXT,
    BANKS,
    LOCATION_BANKS,
    NOW,
    POST,
    both,
    either,
    field,
    leaf,
    negated,
    one_of,
    outcome,
    program,
    rule,
    text,
)
from .rules_reference import Reference

REFERENCE = Reference(POST, banks=BANKS)
LIKES = field("likes")


@pytest.mark.parametrize("count", [MAX_INLINE - 2, MAX_INLINE - 1, MAX_INLINE, 40, 400])
def test_wide_sets(count: int) -> None:
    """A set of hundreds of conditions means what a small one means."""
    for join in (both, either, one_of):
        for matching in (0, 1, 2, count):
            conditions: list[Any] = [leaf(LIKES, "GREATER_THAN", n) for n in range(count)]
            found = join(*conditions)
            data = {"likes": matching}
            assert outcome(found, data) is REFERENCE.evaluate(found, data)
            unknown = join(*conditions, leaf(field("title"), "EQUALS", "x"))
            turned = either(negated(found), both(text("spam"), text("free")))
            assert outcome(turned, data) is REFERENCE.evaluate(turned, data)
            data = {"likes": matching, "title": 3}
            assert outcome(unknown, data) is REFERENCE.evaluate(unknown, data)


def test_deep_sets() -> None:
    """Ten sets inside one another, each with conditions of its own, mean what they say."""
    found: Any = leaf(LIKES, "EQUALS", 1)
    for depth in range(8):
        join = (both, either, one_of)[depth % 3]
        found = join(leaf(LIKES, "LESS_THAN", depth), found, negated(text(f"word{depth}")))
    found = both(found)
    for likes in (0, 1, 5, "x"):
        data = {"likes": likes, "title": "word3 word4"}
        assert outcome(found, data) is REFERENCE.evaluate(found, data)


def test_rules_of_one_shape_share_their_code() -> None:
    """A thousand rules of one shape are one piece of code; the order of conditions is no shape."""
    factory.cache_clear()
    compiled = program(
        *(both(leaf(LIKES, "GREATER_THAN", n), text(f"word{n}")) for n in range(500)),
        *(both(text(f"word{n}"), leaf(LIKES, "GREATER_THAN", n)) for n in range(500)),
    )
    assert factory.cache_info().currsize == 1
    assert compiled.evaluate({"likes": 7, "title": "word3"}, at=NOW).passed() == [3, 503]


def test_only_what_changed_is_bound_again() -> None:
    """A new revision binds the rules that changed, and those whose bank did."""
    cache = CompilerCache()
    conditions = [both(text(banks=("words",))), *(both(leaf(LIKES, "EQUALS", n)) for n in range(9))]

    def compiled(banks: dict[str, TextBank]) -> list[int]:
        rules = [rule(found, f"r{index}") for index, found in enumerate(conditions)]
        made = compile_program(rules, item_type=POST, text_banks=banks, cache=cache)
        return made.evaluate({"likes": 4, "title": "spam"}, at=NOW).passed()

    assert compiled(BANKS) == [0, 5]
    assert cache.rules.bound == 10
    assert compiled(dict(BANKS)) == [0, 5]
    assert cache.rules.bound == 10
    conditions[5] = both(leaf(LIKES, "EQUALS", 5))
    assert compiled(BANKS) == [0]
    assert cache.rules.bound == 11
    changed = msgspec.structs.replace(BANKS["words"], strings=("ham",))
    assert compiled(BANKS | {"words": changed}) == []
    assert cache.rules.bound == 12


def test_a_deleted_or_late_bank_is_noticed() -> None:
    """A rule whose bank goes is broken at once; one whose chunk arrives works at once."""
    cache = CompilerCache()
    bank = TextBank(id="big", name="Big", type="STRING", strings=("ham",), chunk_ids=("big/1",))
    chunk = BankChunk(id="big/1", bank_id="big", strings=("spam",))
    found = [rule(both(text(banks=("big",))))]

    def outcomes(banks: dict[str, TextBank], chunks: dict[str, BankChunk]) -> Any:
        made = compile_program(found, item_type=POST, text_banks=banks, chunks=chunks, cache=cache)
        return made.evaluate({"title": "spam"}, at=NOW, trace=True).outcomes

    assert outcomes({"big": bank}, {}) == [(0, None)]
    assert outcomes({"big": bank}, {"big/1": chunk}) == [(0, True)]
    assert outcomes({}, {"big/1": chunk}) == [(0, None)]


def test_item_type_and_revision_of_a_kept_rule() -> None:
    """A rule that is not bound again carries its new revision, and is bound again when its item
    type's fields change."""
    cache = CompilerCache()
    condition = both(leaf(LIKES, "EQUALS", 1))
    first = rule(condition)
    compile_program([first], item_type=POST, text_banks={}, cache=cache)
    later = msgspec.structs.replace(first.ref, revision=8)
    again = rule(condition)
    again = type(again)(later, again.status, condition)
    made = compile_program([again], item_type=POST, text_banks={}, cache=cache)
    rules, _ = made.evaluate({"likes": 1}, at=NOW).results()
    assert rules[0].rule.revision == 8
    assert cache.rules.bound == 1
    without = msgspec.structs.replace(POST, fields=POST.fields[:1])
    made = compile_program([again], item_type=without, text_banks={}, cache=cache)
    assert "no field likes" in made.problems["r0"][0].reason


PIECES = ["spam", "Free", "a.b", "ſ", "İ", "ß", "é", "e\u0301", "x y", "", "\u200d", "'", "\u0301"]
texts = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)


@settings(max_examples=150, deadline=None)
@given(
    st.fixed_dictionaries(
        {"title": texts, "tags": st.lists(texts, max_size=2)},
        optional={"captions": st.dictionaries(st.just("a"), texts)},
    ),
    st.lists(
        st.sampled_from(["spam", "free", "SS", "ass", "ß", "i̇", "é", "b", "s", "a.b", "x y"]),
        min_size=1,
    ),
    st.sampled_from(["TEXT", "WORD", "REGEX"]),
)
def test_field_beside_all_text(data: dict[str, Any], strings: list[str], kind: str) -> None:
    """What is looked for in a field is found there and only there, whether or not all text is
    scanned beside it."""
    cache = CompilerCache()
    regexes = ["^spam", "s$", "x*", r"\u0073", r"[\u0061-\u0063]\S", r"x\sy"]
    patterns = [*strings, *regexes] if kind == "REGEX" else strings
    inside = [
        both(text(pattern, kind=f"{negation}CONTAINS_{kind}", source=field(name)))
        for pattern in patterns
        for negation in ("", "NOT_")
        for name in ("title", "tags", "captions")
    ]
    beside = [both(text(pattern, kind=f"CONTAINS_{kind}")) for pattern in patterns[:1]]
    alone = program(*inside, cache=cache).evaluate(data, at=NOW, trace=True)
    together = program(*inside, *beside, cache=cache).evaluate(data, at=NOW, trace=True)
    assert together.outcomes[: len(inside)] == alone.outcomes
    named = program(*inside, *beside, cache=cache).evaluate(data, at=NOW)
    assert named.outcomes == [entry for entry in together.outcomes if entry[1] is not False]


@pytest.mark.parametrize("kind", ["CONTAINS_TEXT", "CONTAINS_WORD", "CONTAINS_REGEX"])
def test_addresses(kind: str) -> None:
    """Text, word and regex look into fields of addresses, beside all text, which has none."""
    short = r"bit\.ly" if kind.endswith("REGEX") else "bit.ly"
    compiled = program(
        both(text(short, kind=kind, source=field("link"))),
        both(text(short, kind=kind)),
        both(text(short, kind=kind.replace("CONTAINS", "NOT_CONTAINS"), source=field("link"))),
    )
    short_link = {"title": "look", "link": "https://BIT.ly/3xYz"}
    assert compiled.evaluate(short_link, at=NOW).passed() == [0]
    assert compiled.evaluate({"title": "bit.ly"}, at=NOW).passed() == [1]
    assert compiled.evaluate({"link": "https://example.com/"}, at=NOW).passed() == [2]


def test_location_banks() -> None:
    """A location bank's areas are looked in, and the one that has the place is named."""
    condition = {
        "input": {"type": "CONTENT_COOP_INPUT", "name": "Any geohash"},
        "signal": {"type": "GEO_CONTAINED_WITHIN"},
        "matchingValues": {"locationBankIds": ["places"], "strings": []},
    }
    compiled = program(both(condition))
    evaluation = compiled.evaluate({"place": "u09tvw0f6sz"}, at=NOW)
    assert evaluation.passed() == [0]
    assert evaluation.results()[1][0].matched_value == LOCATION_BANKS["places"].locations[0].id
    assert compiled.evaluate({"place": "dr5regw3ppy"}, at=NOW).passed() == []
    wrong = compiled.evaluate({"place": "a!"}, at=NOW)
    assert wrong.outcomes == [(0, None)]
    assert wrong.results()[1][0].outcome == "ERRORED"


def test_similarity_names_the_nearest() -> None:
    """The score of the nearest string decides, and the record names it."""
    condition = {
        "input": ALL_TEXT,
        "signal": {"type": "TEXT_SIMILARITY_SCORE"},
        "comparator": "GREATER_THAN",
        "threshold": 0.8,
        "matchingValues": {"strings": ["buy cheap watches", "hello"]},
    }
    evaluation = program(both(condition)).evaluate({"title": "buy cheep watches"}, at=NOW)
    assert evaluation.passed() == [0]
    (found,) = evaluation.results()[1]
    assert found.matched_value == "buy cheap watches"
    assert isinstance(found.score, float)


def test_a_program_is_freed_by_counting() -> None:
    """A program, evaluated or not, has no cycles: without the garbage collector it goes with its
    last reference, so a service may keep its rules out of the collector's sight."""
    condition = either(
        text(banks=("words",)),
        text("a", source=field("title")),
        text("b", kind="NOT_CONTAINS_REGEX"),
        leaf(LIKES, "GREATER_THAN", 1),
        leaf(field("tags"), "CONTAINS", "x"),
        negated(both(leaf(field("sent"), "LESS_THAN", "2026-01-01"))),
    )
    cache = CompilerCache()
    gc.disable()
    try:
        compiled = program(condition, cache=cache)
        compiled.evaluate({"likes": 2, "title": "spam"}, at=NOW, trace=True).results()
        parts = [weakref.ref(compiled.rules[0].test)]
        parts += [weakref.ref(code.test) for code in compiled.conditions]
        del compiled
        assert [part() for part in parts] == [None] * len(parts)
    finally:
        gc.enable()
