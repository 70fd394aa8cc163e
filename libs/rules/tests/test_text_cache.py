"""Scanners pieced together answer as fresh ones do, and what is unchanged is not compiled again."""

from __future__ import annotations

import gc
import random
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coop_rules.matching import text as text_module
from coop_rules.matching.text import PatternSet, Scanner, ScannerCache
from coop_rules.signal.signal import Matching

_SYLLABLES = ["ka", "lo", "mi", "ter", "an", "so", "re", "vin", "du", "pel", "é", "сук", " "]
words = st.lists(st.sampled_from(_SYLLABLES), min_size=1, max_size=3).map("".join)
keywords = words.filter(lambda word: word.strip() != "")


def patterns(matching: Matching, entries: list[str]) -> PatternSet:
    if matching is Matching.REGEX:
        entries = [f"{entry}.?$|^{entry}" for entry in entries]
    return PatternSet(matching, entries)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list(Matching)),
    st.lists(
        st.lists(st.lists(keywords, min_size=1, max_size=12), min_size=1, max_size=3),
        min_size=1,
        max_size=5,
    ),
    st.lists(st.lists(words, max_size=8).map("".join), min_size=1, max_size=4),
)
def test_pieced_scanners_equal_fresh_ones(
    matching: Matching, revisions: list[list[list[str]]], texts: list[str]
) -> None:
    """Whatever is reused from earlier revisions, and whether it was put together since or not, the
    answer is a fresh scanner's, to the string that is named."""
    cache = ScannerCache(small=dict.fromkeys(Matching, 0))
    alive: list[Scanner] = []
    for revision in revisions:
        sets = [patterns(matching, entries) for entries in revision]
        found = cache.scanner(sets)
        alive.append(found)
        want = [ScannerCache().scanner(sets).scan(text) for text in texts]
        assert [found.scan(text) for text in texts] == want
        assert cache.settle(20)
        assert [found.scan(text) for text in texts] == want


@pytest.mark.parametrize("matching", list(Matching))
def test_a_change_compiles_only_itself(matching: Matching) -> None:
    """A revision that changes a few entries of a big bank is there after compiling these, and soon
    is one automaton again."""
    source = random.Random(5)
    entries = [f"w{source.getrandbits(60):x}q" for _ in range(2_100)]
    cache = ScannerCache()
    first = cache.scanner([PatternSet(matching, entries), PatternSet(matching, ["alpha"])])
    ideal, built = first.parts, cache.built
    changed = [*entries[5:], "new1x", "new2x"]
    second = cache.scanner([PatternSet(matching, changed), PatternSet(matching, ["beta"])])
    text = f"new2x {entries[0]} beta {entries[9]} alpha".split(" ")
    assert [set(second.scan(word)) for word in text] == [{0}, set(), {1}, {0}, set()]
    assert [set(first.scan(word)) for word in text] == [set(), {0}, set(), {0}, {1}]
    assert cache.built - built <= 1 + ideal
    assert cache.settle(60)
    assert second.parts == ideal
    assert [set(second.scan(word)) for word in text] == [{0}, set(), {1}, {0}, set()]


def test_the_same_sets_are_compiled_once() -> None:
    """Asking again, in another cache entry or not, compiles nothing."""
    cache = ScannerCache()
    sets = [PatternSet(Matching.WORD, [f"word{n}x" for n in range(1000)])]
    first = cache.scanner(sets)
    built = cache.built
    assert cache.scanner([PatternSet(Matching.WORD, sets[0].strings)]) is first
    assert cache.built == built


def test_words_and_substrings_share_an_automaton() -> None:
    """A bank used both ways is compiled once."""
    cache = ScannerCache()
    entries = [f"word{n}x" for n in range(3000)]
    one = cache.scanner([PatternSet(Matching.WORD, entries)])
    built = cache.built
    other = cache.scanner([PatternSet(Matching.CONTAINS, entries)])
    assert cache.built == built
    assert (one.scan("aword7xb"), other.scan("aword7xb")) == ({}, {0: "word7x"})


def test_cache_is_bounded() -> None:
    """What nobody uses any more is kept only up to the cache's size, the most recent first."""
    cache = ScannerCache(characters=20)
    sets = [[PatternSet(Matching.CONTAINS, [letter * 8])] for letter in "abc"]
    for one in (*sets, sets[2], sets[1]):
        cache.scanner(one)
    gc.collect()
    assert cache.built == 3
    cache.scanner(sets[0])
    assert cache.built == 4
    assert len(cache._scanners) == 2


def test_a_scanner_is_dropped_before_it_is_put_together() -> None:
    """Work for revisions that are gone already is not done, and the thread ends."""
    cache = ScannerCache(characters=0)
    source = random.Random(6)
    entries = [f"w{source.getrandbits(60):x}q" for _ in range(20_000)]
    alive = cache.scanner([PatternSet(Matching.CONTAINS, entries)])
    for n in range(5):
        cache.scanner([PatternSet(Matching.CONTAINS, [*entries, f"extra{n}"])])
    assert cache.settle(60)
    for thread in threading.enumerate():
        if thread.name == "matcher builder":
            thread.join(30)  # it has said that it is done before it ends
            assert not thread.is_alive()
    assert alive.scan(entries[3]) == {0: entries[3]}


def test_a_failure_beside_costs_only_speed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When putting together fails, the pieced scanner goes on, and the log says so."""
    cache = ScannerCache()
    entries = [f"word{n}x" for n in range(3000)]
    alive = cache.scanner([PatternSet(Matching.CONTAINS, entries)])
    real = text_module._WantedStrings.divide

    def fail(self: text_module._WantedStrings, keys: list[str]) -> object:
        if threading.current_thread().name == "matcher builder":
            raise MemoryError("none left")
        return real(self, keys)

    monkeypatch.setattr(text_module._WantedStrings, "divide", fail)
    found = cache.scanner([PatternSet(Matching.CONTAINS, [*entries, "new"])])
    assert cache.settle(20)
    assert found.parts > alive.parts
    assert found.scan("new") == {0: "new"}
    assert "could not be put together" in caplog.text


def test_building_does_not_stop_other_threads() -> None:
    """While 1,000 regexes and 50,000 keywords are compiled, another thread never waits long."""
    source = random.Random(7)
    entries = [f"w{source.getrandbits(40):x}q" for _ in range(50_000)]
    shapes = [f"{entry}\\s+{entry[::-1]}[0-9]{{2,4}}" for entry in entries[:1000]]
    longest = 0.0
    done = threading.Event()

    def tick() -> None:
        nonlocal longest
        last = time.perf_counter()
        while not done.is_set():
            now = time.perf_counter()
            longest = max(longest, now - last)
            last = now
            time.sleep(0)

    ticking = threading.Thread(target=tick)
    ticking.start()
    try:
        cache = ScannerCache()
        cache.scanner([PatternSet(Matching.REGEX, shapes)])
        cache.scanner([PatternSet(Matching.WORD, entries)])
    finally:
        done.set()
        ticking.join()
    assert longest < 5  # the benchmark has the figure; here only that it is not the whole build
