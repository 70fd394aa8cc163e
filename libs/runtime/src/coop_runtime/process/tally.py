"""Counters and histograms of hot paths: counted in plain numbers, handed over when they are read.

A metric of `prometheus_client` takes a lock, and a histogram looks for its bucket, each time: of a
request that costs a hundred microseconds that is a tenth.

Guarantees: whoever reads them reads everything that was counted before.
Must not: be counted in two threads, or counted in one and read in another.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterable

from prometheus_client import Counter, Histogram
from prometheus_client.samples import Sample

HELD = 1_000
"""The most values that a histogram keeps as they are."""


class TallyCounter(Counter):
    """A counter whose `inc` is an addition."""

    def _metric_init(self) -> None:
        super()._metric_init()
        self._held = 0.0

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        if amount < 0 or exemplar is not None:
            super().inc(amount, exemplar)  # which refuses the one, and keeps the other
        else:
            self._held += amount

    def _child_samples(self) -> Iterable[Sample]:
        held, self._held = self._held, 0.0
        super().inc(held)
        return super()._child_samples()


class TallyHistogram(Histogram):
    """A histogram whose `observe` keeps the value."""

    def _metric_init(self) -> None:
        super()._metric_init()
        self._held: list[float] = []

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        if exemplar is not None:
            super().observe(amount, exemplar)
            return
        self._held.append(amount)
        if len(self._held) >= HELD:
            self._hand_over()

    def _hand_over(self) -> None:
        held, self._held = self._held, []
        for place, count in Tally(bisect_left(self._upper_bounds, one) for one in held).items():
            self._buckets[place].inc(count)
        self._sum.inc(sum(held))

    def _child_samples(self) -> Iterable[Sample]:
        self._hand_over()
        return super()._child_samples()
