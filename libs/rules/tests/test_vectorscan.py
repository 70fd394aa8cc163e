"""Vectorscan's databases find what Aho-Corasick and RE2 find, and nothing else."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coop_rules.matching.dialect import translate
from coop_rules.matching.keyword import KeywordSegment
from coop_rules.matching.regex import RegexSegment, regex_problem
from coop_rules.matching.text import PatternSet, ScannerCache
from coop_rules.matching.vectorscan import RegexDatabases, plain
from coop_rules.signal.signal import Matching

_LETTERS = st.sampled_from(
    ["a", "b", "K", "s", "ss", "1", " ", "-", "_", "\n", "\v", "\0", "é", "ſ"]
)
texts = st.lists(_LETTERS, max_size=14).map("".join)
_ATOM = (
    r"a b k S 1 - . \d \D \w \W \s \S \. \n \b \B ^ $ [ab] [^ab] [\w-] [^\s] [\d.] [a-k] [\S1] é"
)
_OTHERWISE = (
    r"a$ a\z \x{e9} é (?i)a (?s:.) \pL \Qa\E a\vb [[:alpha:]] \A [\d-z] ^*a \b+a (?P<n>a) [a-\d]"
)
_ATOMS = st.sampled_from(_ATOM.split())
_REPEATS = st.sampled_from(["", "", "", "*", "+", "?", "??", "{2}", "{1,3}", "{0,2}", "*?"])
_PIECES = st.tuples(_ATOMS, _REPEATS).map("".join)
regexes = st.recursive(
    st.lists(_PIECES, min_size=1, max_size=4).map("".join),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("|".join),
        st.tuples(inner, _REPEATS).map(lambda both: f"({both[0]}){both[1]}"),
        st.tuples(_PIECES, inner).map(lambda both: f"{both[0]}(?:{both[1]})"),
    ),
    max_leaves=4,
).filter(lambda pattern: regex_problem(pattern) is None)


@settings(max_examples=300, deadline=None)
@given(st.lists(regexes, min_size=1, max_size=5, unique=True), st.lists(texts, max_size=8))
def test_regexes_match_the_same(patterns: list[str], found_in: list[str]) -> None:
    """Each pattern matches each text, of ASCII or not, with databases exactly when without."""
    plainly, quick = RegexSegment(patterns), RegexSegment(patterns)
    quick.quicken()
    for text in found_in:
        raw = text.encode()
        assert sorted(quick.find(raw)) == sorted(plainly.find(raw)), (patterns, text)


@settings(max_examples=200, deadline=None)
@given(st.lists(texts.filter(bool), min_size=1, max_size=12, unique=True), texts, st.booleans())
def test_keywords_are_found_at_the_same_places(keywords: list[str], text: str, word: bool) -> None:
    """Every occurrence, in the same order, with the same ends."""
    plainly, quick = KeywordSegment(keywords), KeywordSegment(keywords)
    quick.quicken()
    assert list(quick.find(text, word=word)) == list(plainly.find(text, word=word))


@pytest.mark.parametrize(
    "pattern",
    _OTHERWISE.split(),
)
def test_what_may_mean_something_else_is_left_to_re2(pattern: str) -> None:
    """No database of what the two read differently, or might."""
    assert plain(translate(pattern).pattern) is None


def test_common_patterns_have_databases() -> None:
    """What moderators write is not left to RE2; or the test above proves nothing."""
    for pattern in (
        r"\bspam\w*\s+\d{2,4}",
        "(?:free|cheap).{0,20}pills",
        r"[^\s@]+@[\w.-]+",
        "f[u4]n",
    ):
        taken = plain(translate(pattern).pattern)
        assert taken is not None
        assert RegexDatabases([(0, taken)]).left == []


def test_use_builds_the_database_once() -> None:
    """A segment that many texts pass asks for its database; what is found stays."""
    cache = ScannerCache()
    scanners = [
        cache.scanner([PatternSet(matching, ["casino", "viagra"])])
        for matching in (Matching.CONTAINS, Matching.REGEX)
    ]
    built = list[KeywordSegment | RegexSegment]()
    segments = [segment for one in scanners for segment, _ in one._state.parts]
    for segment in segments:
        quicken = type(segment).quicken

        def counted(one: KeywordSegment | RegexSegment, quicken: object = quicken) -> None:
            built.append(one)
            quicken(one)  # type: ignore[operator]  # a function of the class

        segment.watch(segment.worth, lambda one, counted=counted: counted(one))
    for _ in range(2 * max(segment.worth for segment in segments)):
        assert [one.scan("the Casino") for one in scanners] == [{0: "casino"}, {0: "casino"}]
    assert built == segments


def test_threads_do_not_share_their_room() -> None:
    """Many threads search one database at once, each to its own end."""
    segment = RegexSegment([f"w{n}[xy]+z" for n in range(100)])
    segment.quicken()
    wrong = list[object]()

    def search(mine: int) -> None:
        try:
            for _ in range(300):
                if segment.find(b"w%dxyz" % mine) != [segment.strings.index(f"w{mine}[xy]+z")]:
                    wrong.append(mine)
        except Exception as error:  # noqa: BLE001 - told below
            wrong.append(error)

    threads = [threading.Thread(target=search, args=(n,)) for n in range(20, 26)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []


def test_hostile_patterns_build_soon_and_search_in_linear_time() -> None:
    """Patterns that make other engines explode, and long repeats, cost neither minutes to build nor
    more than the text is long to search."""
    hostile = [
        "(a+)+b",
        "(x+x+)+y",
        "(a|aa)+c",
        "([a-z]*){3}d",
        ".{1,1000}q.{1,1000}",
        "(a{1,90}){2}e",
    ]
    segment = RegexSegment([*hostile, *(f"(\\w+ ){{1,{n}}}\\d[{n}]" for n in range(2, 9))])
    began = time.process_time()
    segment.quicken()
    assert time.process_time() - began < 5
    costs = []
    for length in (2_000, 16_000):
        raw = b"a" * length
        began = time.process_time()
        for _ in range(20):
            segment.find(raw)
        costs.append(time.process_time() - began)
    assert costs[1] < 40 * max(costs[0], 0.001)
