"""Matchers find what a naive search finds, in linear time, and never mistake no memory for none."""

from __future__ import annotations

import random
import re
import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coop_rules import text as text_module
from coop_rules.signal import Matching
from coop_rules.text import (
    ContainsScanner,
    PatternSet,
    RegexScanner,
    Scanner,
    ScannerCache,
    regex_problem,
)

alphabet = st.sampled_from("aAbBsSßſKkKéÉİıςΣσ ŉﬁ!")
strings = st.text(alphabet, min_size=1, max_size=4)
any_text = st.one_of(st.text(alphabet, max_size=60), st.text(max_size=60))


def contains(*sets: list[str]) -> ContainsScanner:
    return ContainsScanner([PatternSet(Matching.CONTAINS, one) for one in sets])


def regexes(*sets: list[str]) -> RegexScanner:
    return RegexScanner([PatternSet(Matching.REGEX, one) for one in sets])


def encodable(text: str) -> bool:
    return all(not 0xD800 <= ord(character) <= 0xDFFF for character in text)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(strings, min_size=1, max_size=4), min_size=1, max_size=4), any_text)
def test_contains_equals_naive(sets: list[list[str]], text: str) -> None:
    """A set is found exactly when the folded text holds one of its folded strings, and the string
    named is one that is there, as it was written."""
    hits = contains(*sets).scan(text)
    for index, wanted in enumerate(sets):
        there = [one for one in wanted if one.casefold() in text.casefold()]
        assert (index in hits) == bool(there)
        assert index not in hits or hits[index] in there


fragments = st.sampled_from(
    ["spam", r"\d{2,4}", "[a-c]+", "(ab|cd)?", "é", "^", "$", ".", r"\w", "K", "x*", r"\b"]
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(st.lists(fragments, min_size=1, max_size=4).map("".join), min_size=1, max_size=3),
        min_size=1,
        max_size=3,
    ),
    st.text("spamSPAM0123abcdABéÉKkx !\n", max_size=40).filter(encodable),
)
def test_regex_equals_one_by_one(sets: list[list[str]], text: str) -> None:
    """All regexes in one filter find what each finds alone; the one named is one that matches."""
    options = text_module._options()
    hits = regexes(*sets).scan(text)
    for index, wanted in enumerate(sets):
        there = [one for one in wanted if text_module.re2.search(one, text, options)]
        assert (index in hits) == bool(there)
        assert index not in hits or hits[index] in there


def test_regex_ignores_case() -> None:
    """The flag i holds for letters of any script, as in JavaScript."""
    found = regexes(["école"], ["kelvin"], ["σας"], [r"^free\b.*\d$"])
    assert set(found.scan("ÉCOLE Kelvin ΣΑΣ")) == {0, 1, 2}
    assert found.scan("FREE for 5") == {3: r"^free\b.*\d$"}


def test_long_texts_are_searched_in_windows() -> None:
    """A match across the border of two windows is found."""
    scanner = contains(["needle"], ["other"])
    for at in range(text_module._WINDOW - 8, text_module._WINDOW + 2):
        text = "x" * at + "NEEDLE" + "x" * 100
        assert scanner.scan(text) == {0: "needle"}


def test_nested_keywords_do_not_explode() -> None:
    """Keywords that are each other's endings cost no more than the text is long."""
    sets = [["a" * length] for length in range(1, 400)]
    scanner = contains(*sets, ["b"])
    began = time.perf_counter()
    hits = scanner.scan("a" * 250_000)
    assert time.perf_counter() - began < 5
    assert len(hits) == 399


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"(.*)*x", r"^(([a-z])+.)+[A-Z]$"])
def test_exploding_patterns_are_linear(pattern: str) -> None:
    """A pattern made to explode takes a time in proportion to the text."""
    scanner = regexes([pattern])
    scanner.scan("warm up")
    began = time.perf_counter()
    scanner.scan("a" * 200_000 + "!")
    assert time.perf_counter() - began < 1


def test_no_memory_is_not_no_match() -> None:
    """More and longer patterns than one RE2 filter can hold are all still found."""
    source = random.Random(3)
    wanted = ["".join(source.choices(string.ascii_lowercase, k=200)) for _ in range(1500)]
    assert text_module._filter(wanted) is None
    scanner = regexes(wanted)
    for one in (*wanted[:3], *wanted[-3:]):
        assert scanner.scan(f"xx {one.upper()} yy") == {0: one}
    assert scanner.scan("none of them") == {}


def test_only_patterns_without_atoms() -> None:
    """A filter of regexes that hold no literal still finds them."""
    assert regexes([r"\d{3}"], [r"^\s*$"]).scan("a 123") == {0: r"\d{3}"}
    assert regexes([r"\d{3}"], [r"^\s*$"]).scan("") == {1: r"^\s*$"}


@pytest.mark.parametrize(
    ("pattern", "place"),
    [
        ("a(?=b)", "(at character 2)"),
        (r"(a)\1", "(at character 4)"),
        ("ok[z-a]", "(at character 4)"),
        ("a{2000}", "(at character 2)"),
        ("(a", ""),
        ("\ud800", ""),
    ],
)
def test_bad_regex_is_refused_with_its_place(pattern: str, place: str) -> None:
    """What RE2 cannot run in linear time is refused, and the refusal names where."""
    problem = regex_problem(pattern)
    assert problem is not None
    assert place in problem


def test_regex_that_python_accepts_is_judged_by_re2() -> None:
    """A good pattern has no problem, whatever escapes a JavaScript author puts in."""
    for pattern in (r"https?:\/\/x\.test\/", r"(?<year>\d{4})", "a{1,3}", "(a+)+$"):
        assert regex_problem(pattern) is None
        assert re.compile(pattern.replace("?<", "?P<"))


def test_empty_string_is_refused() -> None:
    """An empty keyword, which would be everywhere, cannot become a matcher."""
    with pytest.raises(ValueError, match="empty"):
        contains([""])


def test_big_sets_survive_changes_of_small_ones() -> None:
    """A big bank is compiled once, whatever small sets change beside it."""
    big = PatternSet(Matching.CONTAINS, [f"word{n}x" for n in range(1000)])
    small = [PatternSet(Matching.CONTAINS, [one]) for one in ("alpha", "beta", "gamma")]
    cache = ScannerCache()
    first: Scanner = cache.scanner([small[0], big, small[1]])
    assert first.scan("ALPHA word7X beta") == {0: "alpha", 1: "word7x", 2: "beta"}
    built = cache.built
    second = cache.scanner([small[2], big])
    assert second.scan("gamma word999x") == {0: "gamma", 1: "word999x"}
    assert cache.built == built + 1
    cache.scanner([small[2], big])
    assert cache.built == built + 1


def test_cache_is_bounded() -> None:
    """The cache of scanners forgets the least recently used."""
    cache = ScannerCache(limit=2)
    sets = [[PatternSet(Matching.CONTAINS, [one])] for one in "abc"]
    for one in (*sets, sets[2], sets[0]):
        cache.scanner(one)
    assert cache.built == 4
