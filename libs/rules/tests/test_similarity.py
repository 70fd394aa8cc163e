"""Similarity to the most similar string, from 0 to 1, at bounded cost."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from coop_rules.matching.similarity import Similarity, prepare


@pytest.mark.parametrize(
    ("strings", "text", "score", "matched"),
    [
        (["kill yourself"], "please K1LL  yöurse1f now", 1.0, "kill yourself"),
        (["kill yourself", "buy now"], "BUY N0W!", 1.0, "buy now"),
        (["abcd"], "ab", 2 / 3, "abcd"),  # shorter than the string: as a whole
        (["abcd"], "xxabxdxx", 0.75, "abcd"),
        (["b", "a"], "ab", 1.0, "a"),
        (["spam"], "", 0.0, None),
        (["\u200b"], "spam", 0.0, None),
        ([], "spam", 0.0, None),
        (["xyz"], "ooo", 0.0, None),
        # Coop's own scores: m counts as rn, and what is no letter or number as a space.
        (["money"], "fre mony", 0.91, "money"),
        (["free money"], "money", 0.71, "free money"),
        (["free-money"], "free, money!", 1.0, "free-money"),
    ],
)
def test_score(strings: list[str], text: str, score: float, matched: str | None) -> None:
    """The most similar string is named with its score; both sides are prepared as variants are."""
    found = Similarity(strings).score(text)
    assert found[1] == matched
    assert found[0] == pytest.approx(score, abs=0.005)


alphabet = "abcil1!ÀЖ ."


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(alphabet, max_size=8), max_size=6), st.text(alphabet, max_size=30))
def test_score_equals_one_by_one(strings: list[str], text: str) -> None:
    """All strings at once score what the best of them scores alone."""
    best = 0.0
    looked = prepare(text)
    for string in strings:
        wanted = prepare(string)
        if wanted and looked:
            scorer = fuzz.ratio if len(looked) < len(wanted) else fuzz.partial_ratio
            best = max(best, scorer(looked, wanted) / 100)
    score, matched = Similarity(strings).score(text)
    assert score == round(best, 2)
    assert 0 <= score <= 1
    assert (matched is None) == (best == 0)
    assert matched is None or Similarity([matched]).score(text)[0] == round(best, 2)


def test_cost_is_bounded() -> None:
    """A long text costs what its beginning costs; the more strings, the less of it is looked at."""
    similarity = Similarity([f"{n:05d} some words to look for" for n in range(3_000)])
    assert similarity.characters < 2_000
    assert Similarity(["one"]).characters == 10_000
    began = time.process_time()
    similarity.score("long text " * 1_000_000)
    assert time.process_time() - began < 10
