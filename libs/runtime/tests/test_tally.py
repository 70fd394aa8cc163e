"""A tally reads like the metric that it stands for."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram

from coop_runtime.process.tally import HELD, TallyCounter, TallyHistogram

VALUES = [-1.0, 0.0, 0.5, 0.5, 0.75, 1.0, 1.5, 2.0, 99.0]


def samples(registry: CollectorRegistry) -> list[tuple[str, dict[str, str], float]]:
    return [
        (sample.name, sample.labels, sample.value)
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    ]


def counted(kind: type[Counter]) -> list[Any]:
    registry = CollectorRegistry()
    plain = kind("plain_total", "Test.", registry=registry)
    labelled = kind("labelled_total", "Test.", ["who"], registry=registry)
    found = [samples(registry)]
    for amount in (1, 2.5, 0):
        plain.inc(amount)
        labelled.labels("a").inc()
        labelled.labels("b").inc(amount)
    found.append(samples(registry))
    found.append(samples(registry))
    plain.inc()
    return [*found, samples(registry), registry.get_sample_value("labelled_total", {"who": "b"})]


def observed(kind: type[Histogram], times: int) -> list[Any]:
    registry = CollectorRegistry()
    plain = kind("plain", "Test.", buckets=(0.5, 1, 2), registry=registry)
    labelled = kind("labelled", "Test.", ["who"], buckets=(0.5, 1, 2), registry=registry)
    found = [samples(registry)]
    for value in VALUES * times:
        plain.observe(value)
        labelled.labels("a").observe(value)
    found.append(samples(registry))
    plain.observe(1)
    return [*found, samples(registry), samples(registry)]


def test_a_counter_reads_the_same() -> None:
    """With and without labels, before, between and after readings."""
    assert counted(TallyCounter) == counted(Counter)


@pytest.mark.parametrize("times", [1, HELD])
def test_a_histogram_reads_the_same(times: int) -> None:
    """Values below, on, between and above the bounds, few and more than it keeps."""
    assert observed(TallyHistogram, times) == observed(Histogram, times)


def test_what_a_metric_refuses_is_refused() -> None:
    """A counter does not go down, and a metric with labels is not counted without them."""
    with pytest.raises(ValueError, match="non-negative"):
        TallyCounter("a_total", "Test.", registry=None).inc(-1)
    with pytest.raises((ValueError, AttributeError)):
        TallyCounter("b_total", "Test.", ["who"], registry=None).inc()


def test_an_example_is_kept() -> None:
    """An exemplar comes with its count at once."""
    histogram = TallyHistogram("c", "Test.", buckets=(1,), registry=None)
    histogram.observe(0.5, {"trace": "x"})
    (family,) = histogram.collect()
    assert any(sample.exemplar is not None for sample in family.samples)
