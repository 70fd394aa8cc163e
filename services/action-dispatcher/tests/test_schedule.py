"""When a delivery is tried again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from coop_action_dispatcher.delivery import State
from coop_action_dispatcher.schedule import (
    JITTER,
    MAX_RETRY_AFTER,
    RETRY_DELAYS,
    Schedule,
    parse_retry_after,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EXACT = Schedule(uniform=lambda low, _high: low)


def test_the_delays_are_those_of_the_public_wire_format() -> None:
    """Ten attempts: at once, then after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h."""
    hours = [2, 5, 10, 14, 20, 24]
    assert list(RETRY_DELAYS) == [5, 300, 1800, *[hour * 3600 for hour in hours]]
    delays = [
        EXACT.after(number=n, status=500, error=None, retry_after=None).delay for n in range(1, 10)
    ]
    assert delays == list(RETRY_DELAYS)


def test_after_the_last_attempt_the_delivery_is_dead() -> None:
    """The tenth failure ends the delivery and says how often it was tried."""
    verdict = EXACT.after(number=10, status=500, error=None, retry_after=None)
    assert verdict.state is State.DEAD
    assert verdict.reason == "HTTP 500; gave up after 10 attempts"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_success(status: int) -> None:
    """Any status from 200 to 299 delivers."""
    verdict = EXACT.after(number=3, status=status, error=None, retry_after=None)
    assert verdict.state is State.DELIVERED


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 429, 500, 503, 199, 600])
def test_everything_else_is_tried_again(status: int) -> None:
    """Redirects and refusals are failures like errors: the next attempt has its time."""
    verdict = EXACT.after(number=1, status=status, error=None, retry_after=None)
    assert (verdict.state, verdict.delay) == (State.PENDING, 5)


def test_410_ends_the_delivery() -> None:
    """An endpoint that says it is gone is believed at once."""
    verdict = EXACT.after(number=1, status=410, error=None, retry_after=None)
    assert verdict.state is State.DEAD
    assert "gone" in (verdict.reason or "")


def test_our_own_refusal_ends_the_delivery() -> None:
    """What the egress guard refuses it will refuse again: three days would change nothing."""
    verdict = EXACT.after(number=1, status=None, error="why", retry_after=None, refused=True)
    assert (verdict.state, verdict.reason) == (State.DEAD, "why")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retry_after_makes_the_wait_longer(status: int) -> None:
    """The platform's wish counts where it is longer than the schedule's delay."""
    verdict = EXACT.after(number=1, status=status, error=None, retry_after=90)
    assert verdict.delay == 90


def test_retry_after_never_makes_the_wait_shorter_or_endless() -> None:
    """A wish of 1 s does not burn the schedule; one of a year is cut to a day."""
    assert EXACT.after(number=2, status=503, error=None, retry_after=1).delay == 300
    assert EXACT.after(number=1, status=503, error=None, retry_after=1e9).delay == MAX_RETRY_AFTER


def test_retry_after_counts_only_with_its_statuses() -> None:
    """A 500 or 404 with Retry-After follows the schedule."""
    assert EXACT.after(number=1, status=500, error=None, retry_after=90).delay == 5


def test_jitter_only_stretches() -> None:
    """No attempt comes before the schedule's time, and none more than a tenth after it."""
    delays = [
        Schedule().after(number=1, status=500, error=None, retry_after=None).delay
        for _ in range(200)
    ]
    assert min(delays) >= 5
    assert max(delays) <= 5 * (1 + JITTER)
    assert len(set(delays)) > 100


def test_a_hold_uses_no_attempt_and_slows_down() -> None:
    """Held deliveries wait 5 s at first and never more than 5 min, and die after the schedule."""
    waits = [EXACT.hold(age=age, reason="no keys").delay for age in (0, 5, 60, 300, 100_000)]
    assert waits == [5, 5, 60, 300, 300]
    assert EXACT.hold(age=0, reason="no keys").held
    assert EXACT.hold(age=sum(RETRY_DELAYS) + 301, reason="no keys").state is State.DEAD


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120),
        (" 7 ", 7),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("9" * 40, MAX_RETRY_AFTER),
        ("Fri, 02 Jan 2026 03:05:05 GMT", 60),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 0),
        ("Fri, 99 Jan 2026 03:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str | None, seconds: float | None) -> None:
    """Seconds and HTTP dates are understood; what is neither says nothing."""
    assert parse_retry_after(value, now=NOW) == seconds
