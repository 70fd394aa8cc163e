"""Matchers find what a naive search finds, in linear time, and never mistake no memory for none."""

from __future__ import annotations

import random
import re
import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coop_rules.matching import keyword, regex
from coop_rules.matching.regex import regex_problem
from coop_rules.matching.text import PatternSet, Scanner, ScannerCache
from coop_rules.matching.word import SHARP, fold
from coop_rules.signal.signal import Matching

alphabet = st.sampled_from("aAbBsSßſKkKéÉİıςΣσ ŉﬁ!\u0301\u0307")
strings = st.text(alphabet, min_size=1, max_size=4)
any_text = st.one_of(st.text(alphabet, max_size=60), st.text(max_size=60))


def scanner(matching: Matching, *sets: list[str]) -> Scanner:
    return ScannerCache().scanner([PatternSet(matching, one) for one in sets])


def contains(*sets: list[str]) -> Scanner:
    return scanner(Matching.CONTAINS, *sets)


def regexes(*sets: list[str]) -> Scanner:
    return scanner(Matching.REGEX, *sets)


def encodable(text: str) -> bool:
    return all(not 0xD800 <= ord(character) <= 0xDFFF for character in text)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(strings, min_size=1, max_size=4), min_size=1, max_size=4),
    any_text.map(lambda text: SHARP.sub("x", text)),
)
def test_contains_equals_naive(sets: list[list[str]], text: str) -> None:
    """A set is found exactly when the folded text holds one of its folded strings, and the string
    named is the one that ends first, of those the longest, as it was written."""
    hits = contains(*sets).scan(text)
    for index, wanted in enumerate(sets):
        places = [
            (fold(text).find(fold(one)) + len(fold(one)), -len(fold(one)), one)
            for one in sorted(wanted)
            if fold(one) in fold(text)
        ]
        assert (index in hits) == bool(places)
        if places:
            best = min(place[:2] for place in places)
            assert hits[index] == next(one for *place, one in places if tuple(place) == best)


@pytest.mark.parametrize(
    ("string", "text", "found"),
    [
        ("scheisse", "SCHEIẞE!", True),
        ("scheiße", "Scheisse", True),
        ("straße", "STRASSE", True),
        ("strasse", "Straße", True),
        ("groß", "Großstadt", True),
        ("gross", "groß", True),
        ("gross", "groß!", True),
        ("ß", "Strasse", True),
        ("ass", "Straße ass", True),
        ("ass", "Straße", False),
        ("ss", "Straße", False),
        ("as", "Straße", False),
        ("se", "Straße", False),
        ("sse", "Straße", False),
        ("gross", "Großstadt", False),
    ],
)
def test_sharp_s(string: str, text: str, found: bool) -> None:
    """ß is ss, and a letter: a string that begins or ends with an ss does not end within a word
    at a ß, whatever else is looked for."""
    assert bool(contains([string]).scan(text)) is found
    beside = contains([string], ["else"], [string, "other"]).scan(text)
    assert (0 in beside, 2 in beside) == (found, found)


def test_two_spellings_with_sharp_s() -> None:
    """Of a set with both spellings the one with the ß is found where the other is not."""
    assert contains(["gross", "groß"]).scan("Großstadt") == {0: "groß"}


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
    """All regexes in one filter find what each finds alone; the one named is the first of them."""
    options = regex.options()
    hits = regexes(*sets).scan(text)
    for index, wanted in enumerate(sets):
        there = [one for one in wanted if regex.re2.search(one, text, options)]
        assert hits.get(index) == (min(there) if there else None)


def test_regex_ignores_case() -> None:
    """The flag i holds for letters of any script, as in JavaScript."""
    found = regexes(["école"], ["kelvin"], ["σας"], [r"^free\b.*\d$"])
    assert set(found.scan("ÉCOLE Kelvin ΣΑΣ")) == {0, 1, 2}
    assert found.scan("FREE for 5") == {3: r"^free\b.*\d$"}


def test_long_texts_are_searched_in_windows() -> None:
    """A match across the border of two windows is found."""
    found = contains(["needle"], ["other"])
    for at in range(keyword._WINDOW - 8, keyword._WINDOW + 2):
        text = "x" * at + "NEEDLE" + "x" * 100
        assert found.scan(text) == {0: "needle"}


@pytest.mark.parametrize("matching", [Matching.CONTAINS, Matching.WORD])
def test_nested_keywords_do_not_explode(matching: Matching) -> None:
    """Keywords that are each other's endings cost no more than the text is long."""
    sets = [["a" * length] for length in range(1, 400)]
    found = scanner(matching, *sets, ["b"])
    began = time.process_time()
    hits = found.scan("a" * 20_000)
    assert time.process_time() - began < 20
    assert len(hits) == (399 if matching is Matching.CONTAINS else 0)
    assert found.scan(" " + "a" * 399 + "!")[398] == "a" * 399
    assert found.scan("a a")[0] == "a"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=4), min_size=1, max_size=12),
    st.text("aA -", max_size=50),
    st.sampled_from([Matching.CONTAINS, Matching.WORD]),
)
def test_nested_keywords_equal_naive(
    lengths: list[list[int]], text: str, matching: Matching
) -> None:
    """However deep keywords are nested, the answer is that of each keyword alone."""
    sets = [["a" * length for length in one] for one in lengths]
    # Deep nesting beside them, which is not looked at.
    deep = [["a" * length] for length in range(1, 30)]
    hits = scanner(matching, *sets, *deep).scan(text)
    alone = [scanner(matching, one).scan(text).get(0) for one in sets]
    assert [hits.get(index) for index in range(len(sets))] == alone


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"(.*)*x", r"^(([a-z])+.)+[A-Z]$"])
def test_exploding_patterns_are_linear(pattern: str) -> None:
    """A pattern made to explode takes a time in proportion to the text."""
    found = regexes([pattern])
    found.scan("warm up")
    began = time.process_time()
    found.scan("a" * 200_000 + "!")
    assert time.process_time() - began < 5


def test_no_memory_is_not_no_match() -> None:
    """More and longer patterns than one RE2 filter can hold are all still found."""
    source = random.Random(3)
    wanted = ["".join(source.choices(string.ascii_lowercase, k=400)) for _ in range(700)]
    assert regex._filter(wanted) is None
    segment = regex.RegexSegment(wanted)
    for index in (0, 1, 350, 699):
        assert segment.find(f"xx {wanted[index].upper()} yy".encode()) == [index]
    assert segment.find(b"none of them") == []


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
        (r"[^x]{0,999}x[^y]{0,999}y", "too large"),
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
    words = "|".join(f"word{n}" for n in range(1_000))
    for pattern in (words, r"https?:\/\/x\.test\/", r"(?<year>\d{4})", "a{1,3}", "(a+)+$"):
        assert regex_problem(pattern) is None
        assert re.compile(pattern.replace("?<", "?P<"))


@pytest.mark.parametrize("matching", list(Matching))
def test_empty_string_is_refused(matching: Matching) -> None:
    """An empty keyword, which would be everywhere, cannot become a matcher."""
    with pytest.raises(ValueError, match="empty"):
        scanner(matching, [""])


@pytest.mark.parametrize("matching", list(Matching))
def test_half_a_surrogate_pair_is_harmless(matching: Matching) -> None:
    """A text that is no valid Unicode is searched all the same."""
    assert scanner(matching, ["spam"]).scan("\ud800 spam") == {0: "spam"}
