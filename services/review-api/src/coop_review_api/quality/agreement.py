"""How far people agree, beyond what chance gives: Cohen's kappa, Krippendorff's alpha.

Guarantees: pure and deterministic (the bootstrap has a stated seed); work is bounded by the number
of distinct patterns of ratings, not of the jobs behind them.
Must not: know where ratings come from.

Sources: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological
Measurement 20 (1960) 37-46. K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011),
nominal metric. Intervals: the percentile bootstrap over units, which A. Zapf et al., "Measuring
inter-rater reliability for nominal data", BMC Medical Research Methodology 16:93 (2016), find to
hold its coverage. Binomial numbers: L. Devroye, "Non-Uniform Random Variate Generation" (1986),
X.4.3, the recursive generator.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

Pattern = tuple[str, ...]
"""The ratings that one unit got, from two or more people."""

RESAMPLES = 1000
SEED = 20_260_101
CONFIDENCE = 0.95

_LEAST_RESAMPLES = 200
_WORK = 4_000_000  # numbers drawn at most, some 2 s
_RECURSIVE = 30  # numbers that one binomial by recursion costs
_DIRECT = 16  # trials that are counted one by one


class Interval(NamedTuple):
    """A coefficient with its 95 % interval. None where it is not defined: without units, or when
    everybody always says the same, so that nothing could be told from chance."""

    value: float | None
    low: float | None
    high: float | None
    resamples: int


def kappa(table: Mapping[tuple[str, str], int]) -> float | None:
    """Cohen's kappa of two raters; `table` counts units by (first's rating, second's rating)."""
    units = sum(table.values())
    if not units:
        return None
    firsts, seconds = Counter[str](), Counter[str]()
    for (first, second), count in table.items():
        firsts[first] += count
        seconds[second] += count
    observed = sum(count for (first, second), count in table.items() if first == second) / units
    expected = sum(firsts[rating] * seconds[rating] for rating in firsts) / units**2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def alpha(patterns: Mapping[Pattern, int]) -> float | None:
    """Krippendorff's alpha for nominal ratings; `patterns` counts units by their ratings.

    Units with fewer than two ratings say nothing and are passed over.
    """
    disagreement, totals = 0.0, Counter[str]()
    for pattern, units in patterns.items():
        ratings = len(pattern)
        if ratings < 2 or not units:
            continue
        counted = Counter(pattern)
        for rating, count in counted.items():
            totals[rating] += count * units
        equal = sum(count * (count - 1) for count in counted.values())
        disagreement += units * (ratings * (ratings - 1) - equal) / (ratings - 1)
    pairable = totals.total()
    expected = pairable**2 - sum(count**2 for count in totals.values())
    return None if not expected else 1 - (pairable - 1) * disagreement / expected


def alpha_interval(patterns: Mapping[Pattern, int], *, seed: int = SEED) -> Interval:
    """Alpha with its interval: the units are drawn again with replacement, up to 1000 times."""
    # Order among a unit's raters does not matter to alpha: fewer patterns, less work.
    merged = Counter[Pattern]()
    for pattern, units in sorted(patterns.items()):
        if len(pattern) > 1 and units:
            merged[tuple(sorted(pattern))] += units
    value = alpha(merged)
    if value is None:
        return Interval(None, None, None, 0)
    keys, counts = list(merged), list(merged.values())
    each = min(sum(counts), _RECURSIVE * len(counts))
    resamples = max(_LEAST_RESAMPLES, min(RESAMPLES, _WORK // each))
    source = random.Random(seed)  # noqa: S311 - statistics, and the same each time
    found = sorted(
        one
        for one in (
            alpha(dict(zip(keys, _redrawn(counts, source), strict=True))) for _ in range(resamples)
        )
        # All units alike: no disagreement was possible, and there was none.
        if one is not None
    )
    if not found:
        return Interval(value, None, None, resamples)
    tail = (1 - CONFIDENCE) / 2
    return Interval(value, _quantile(found, tail), _quantile(found, 1 - tail), resamples)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Linear between the two nearest (R's type 7)."""
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def _redrawn(counts: Sequence[int], source: random.Random) -> list[int]:
    """As many units drawn with replacement: a multinomial sample, in the cheaper of two ways."""
    total = sum(counts)
    if total <= _RECURSIVE * len(counts):
        drawn = Counter(source.choices(range(len(counts)), weights=counts, k=total))
        return [drawn[position] for position in range(len(counts))]
    left, rest, redrawn = total, total, []
    for count in counts:
        taken = binomial(left, count / rest, source) if rest > count else left
        redrawn.append(taken)
        left, rest = left - taken, rest - count
    return redrawn


def binomial(trials: int, probability: float, source: random.Random) -> int:
    """How many of `trials` succeed; exact, in about log(trials) steps."""
    successes = 0
    while trials > _DIRECT and 0 < probability < 1:
        # The middle one of `trials` uniform numbers tells how many lie on either side of it.
        middle = trials // 2 + 1
        where = source.betavariate(middle, trials + 1 - middle)
        if where <= probability:
            successes += middle
            trials -= middle
            probability = min(1.0, (probability - where) / (1 - where)) if where < 1 else 0.0
        else:
            trials = middle - 1
            probability = min(1.0, probability / where)
    return successes + sum(source.random() < probability for _ in range(trials))
