"""The schedule of retries."""

from __future__ import annotations

from coop_runtime.process.backoff import Backoff, no_jitter


def test_delays_double_to_a_bound_and_start_anew() -> None:
    """Delays go from 0.1 s to 30 s, and a success begins a new series."""
    backoff = Backoff(jitter=lambda: 1.0, clock=lambda: 0.0)
    delays = [backoff.next_delay() for _ in range(12)]
    assert delays[:3] == [0.1, 0.2, 0.4]
    assert delays[-1] == 30.0
    backoff.reset()
    assert backoff.next_delay() == 0.1


def test_jitter_stays_within_half_and_all() -> None:
    """The least jitter is half of the step."""
    assert Backoff(jitter=lambda: 0.0).next_delay() == 0.05


def test_one_that_fails_alone_waits_the_whole_step() -> None:
    """Without jitter a delay can be told beforehand: those of migrations and of restarts."""
    backoff = Backoff(first=0.5, last=8.0, jitter=no_jitter)
    assert [backoff.next_delay() for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]


def test_failing_for_counts_from_the_first_failure() -> None:
    """The age of a series is that of its first failure; success ends it."""
    now = 100.0
    backoff = Backoff(clock=lambda: now)
    assert backoff.failing_for == 0
    backoff.next_delay()
    now = 112.0
    backoff.next_delay()
    assert backoff.failing_for == 12
    backoff.reset()
    assert backoff.failing_for == 0
