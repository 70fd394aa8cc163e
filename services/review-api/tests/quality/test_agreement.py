"""Agreement by the numbers of the literature; which jobs are sampled; what decisions compare by."""

from __future__ import annotations

import random
import statistics
import uuid
from collections import Counter

import pytest

from coop_review_api.quality.agreement import alpha, alpha_interval, binomial, kappa
from coop_review_api.quality.category import categories_of, is_sampled
from coop_review_api.review.decision import Component


def units(*raters: str) -> Counter[tuple[str, ...]]:
    """Patterns of raters who judged the same units, one character each; `.` is none."""
    return Counter(
        tuple(rating for rating in unit if rating != ".") for unit in zip(*raters, strict=True)
    )


def test_kappa_of_worked_examples() -> None:
    """Cohen's kappa gives the values of well-known worked examples (50 and 100 units)."""
    tables = [
        ((20, 5, 10, 15), 0.4),
        ((45, 15, 25, 15), 0.1304),
        ((25, 35, 5, 35), 0.2593),
    ]
    cells = [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]
    for counts, expected in tables:
        table = dict(zip(cells, counts, strict=True))
        assert kappa(table) == pytest.approx(expected, abs=5e-5)


def test_kappa_where_it_is_not_defined() -> None:
    """Without units, or when both always say the same one thing, there is no kappa."""
    assert kappa({}) is None
    assert kappa({("a", "a"): 7}) is None
    assert kappa({("a", "a"): 7, ("b", "b"): 1}) == 1
    assert kappa({("a", "b"): 5, ("b", "a"): 5}) == -1


def test_alpha_of_krippendorffs_examples() -> None:
    """Examples A, B and C of "Computing Krippendorff's Alpha-Reliability" (2011)."""
    assert alpha(units("0100000010", "1110010000")) == pytest.approx(0.095, abs=5e-4)
    assert alpha(units("aabbdcccedda", "babbbccceddd")) == pytest.approx(0.692, abs=5e-4)
    four = units("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    assert alpha(four) == pytest.approx(0.743, abs=5e-4)


def test_alpha_where_it_is_not_defined() -> None:
    """One rating a unit, or one category in all, leaves alpha undefined, with its interval."""
    assert alpha({("a",): 9}) is None
    assert alpha({("a", "a"): 9}) is None
    assert alpha_interval({("a", "a"): 9}).value is None


def test_the_interval_is_the_same_each_time_and_narrows() -> None:
    """The bootstrap repeats, holds its value, and narrows with the root of the number of units."""
    few: dict[tuple[str, ...], int] = {
        ("a", "a"): 40,
        ("b", "b"): 40,
        ("a", "b"): 10,
        ("b", "a"): 10,
    }
    many = {pattern: count * 100 for pattern, count in few.items()}
    one, again = alpha_interval(few), alpha_interval(few)
    assert one == again
    assert one.low < one.value < one.high  # type: ignore[operator]
    wide = alpha_interval(many)
    assert wide.resamples == 1000
    ratio = (one.high - one.low) / (wide.high - wide.low)  # type: ignore[operator]
    assert 8 < ratio < 12
    # The asymptotic deviation of alpha at 80 % agreement of even classes: 2 sqrt(.8 * .2 / n).
    assert one.high - one.low == pytest.approx(2 * 1.96 * 2 * (0.16 / 100) ** 0.5, rel=0.2)  # type: ignore[operator]


def test_binomial_numbers_have_their_mean_and_variance() -> None:
    """The recursive generator draws from the binomial distribution."""
    source = random.Random(1)
    for trials, probability in ((1000, 0.3), (50_000, 0.01), (17, 0.5), (40, 0.999)):
        drawn = [binomial(trials, probability, source) for _ in range(4000)]
        deviation = (trials * probability * (1 - probability)) ** 0.5
        assert abs(statistics.fmean(drawn) - trials * probability) < 5 * deviation / 4000**0.5
        assert statistics.pstdev(drawn) == pytest.approx(deviation, rel=0.1)
        assert min(drawn) >= 0
        assert max(drawn) <= trials


def test_sampling_holds_its_share_and_is_stable() -> None:
    """About the share is sampled, always the same jobs, and more when the share rises."""
    source = random.Random(2)
    jobs = [str(uuid.UUID(int=source.getrandbits(128))) for _ in range(4000)]
    tenth = {job for job in jobs if is_sampled(job, 0.1)}
    half = {job for job in jobs if is_sampled(job, 0.5)}
    assert 300 < len(tenth) < 500
    assert tenth < half
    assert not any(is_sampled(job, 0.0) for job in jobs)
    assert all(is_sampled(job, 1.0) for job in jobs)


def test_equal_decisions_have_equal_categories() -> None:
    """Order and parameters do not matter; outcome, actions and policies do."""
    act = Component(type="CUSTOM_ACTION", action_ids=("b", "a"), policy_ids=("p",))
    split = [
        Component(type="CUSTOM_ACTION", action_ids=("a",), policy_ids=("p",)),
        Component(type="CUSTOM_ACTION", action_ids=("b",), parameters={"b": {"days": 3}}),
    ]
    assert categories_of([act]) == categories_of(split)
    assert categories_of([act]).outcome == "ACTED"
    ignored = categories_of([Component(type="IGNORE")])
    assert (ignored.outcome, ignored.actions, ignored.policies) == ("IGNORED", "IGNORE", "IGNORED")
