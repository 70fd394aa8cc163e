"""The circuit breaker, by itself."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_signals.breaker import FAILURES, LAST_WAIT, Breaker, BreakerOpen, BreakerState

from .signals_world import Clock


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock=clock, jitter=lambda: 1.0)
    for _ in range(FAILURES):
        breaker.failed(breaker.admit(), "it failed")
    return breaker


def test_it_opens_after_failures_and_says_why() -> None:
    """Five failures with nothing else open it; the refusal quotes the last reason."""
    breaker = opened(Clock())
    assert breaker.state is BreakerState.OPEN
    with pytest.raises(BreakerOpen, match="it failed"):
        breaker.admit()


def test_rare_failures_do_not_open_it() -> None:
    """A provider that mostly answers is called."""
    breaker = Breaker(clock=Clock())
    for _ in range(200):
        for _ in range(3):
            breaker.succeeded(breaker.admit())
        breaker.failed(breaker.admit(), "it failed")
    assert breaker.state is BreakerState.CLOSED


def test_one_probe_at_a_time() -> None:
    """After the wait one call goes out; until it is over no other does."""
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1.1
    probe = breaker.admit()
    with pytest.raises(BreakerOpen):
        breaker.admit()
    breaker.succeeded(probe)
    assert breaker.state is BreakerState.CLOSED
    breaker.admit()


def test_waits_double_up_to_a_limit_and_a_success_forgets_them() -> None:
    """Each failed probe doubles the wait; after a success it starts from the first again."""
    clock = Clock()
    breaker = opened(clock)
    waits = []
    for _ in range(10):
        with pytest.raises(BreakerOpen) as refused:
            breaker.admit()
        waits.append(refused.value.wait)
        clock.now += refused.value.wait
        breaker.failed(breaker.admit(), "again")
    assert waits[:4] == pytest.approx([1, 2, 4, 8])
    assert waits[-1] == pytest.approx(LAST_WAIT)
    clock.now += LAST_WAIT
    breaker.succeeded(breaker.admit())
    for _ in range(FAILURES):
        breaker.failed(breaker.admit(), "it failed")
    with pytest.raises(BreakerOpen) as refused:
        breaker.admit()
    assert refused.value.wait == pytest.approx(1)


def test_an_abandoned_probe_lets_the_next_one_go() -> None:
    """A probe whose caller left says nothing, and does not block the way for ever."""
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1.1
    breaker.abandoned(breaker.admit())
    breaker.succeeded(breaker.admit())
    assert breaker.state is BreakerState.CLOSED


def test_late_outcomes_of_an_earlier_time_do_not_count() -> None:
    """A call that began before the breaker opened neither closes nor prolongs it."""
    clock = Clock()
    breaker = Breaker(clock=clock, jitter=lambda: 1.0)
    old = [breaker.admit() for _ in range(20)]
    for ticket in old[:FAILURES]:
        breaker.failed(ticket, "it failed")
    clock.now += 1.1
    probe = breaker.admit()
    for ticket in old[FAILURES:]:
        breaker.failed(ticket, "late")
        breaker.succeeded(ticket)
    before = breaker.state
    assert before is BreakerState.PROBING
    breaker.succeeded(probe)
    assert breaker.state is BreakerState.CLOSED


def test_a_hold_lasts_as_long_as_told() -> None:
    """Held for 30 s: nothing for 30 s, then a probe; a shorter hold does not shorten it."""
    clock = Clock()
    breaker = Breaker(clock=clock)
    breaker.hold(30, "told so")
    breaker.hold(5, "less")
    clock.now += 29
    with pytest.raises(BreakerOpen, match="told so"):
        breaker.admit()
    clock.now += 2
    breaker.succeeded(breaker.admit())
    assert breaker.state is BreakerState.CLOSED


@given(st.lists(st.sampled_from(["admit", "succeed", "fail", "abandon", "wait", "hold", "reset"])))
def test_it_never_stays_shut_for_ever(steps: list[str]) -> None:
    """After any history in which every call comes to an end, a call is admitted within a minute."""
    clock = Clock()
    breaker = Breaker(clock=clock)
    under_way: list[int] = []
    for step in steps:
        if step == "admit":
            with contextlib.suppress(BreakerOpen):
                under_way.append(breaker.admit())
        elif step == "wait":
            clock.now += 3
        elif step == "hold":
            breaker.hold(10, "held")
        elif step == "reset":
            breaker.reset()
        elif under_way:
            ticket = under_way.pop(0)
            if step == "succeed":
                breaker.succeeded(ticket)
            elif step == "fail":
                breaker.failed(ticket, "failed")
            else:
                breaker.abandoned(ticket)
    for ticket in under_way:
        breaker.abandoned(ticket)
    clock.now += LAST_WAIT
    breaker.admit()


def test_who_is_no_longer_asked_is_no_longer_refused() -> None:
    """Without another call (the account is gone) an open breaker refuses until its wait is over,
    and does not count as open for ever."""
    clock = Clock()
    breaker = Breaker(clock=clock, jitter=lambda: 1.0)
    assert not breaker.refuses
    breaker.hold(30, "it refuses every call")
    assert breaker.refuses
    clock.now += 31
    assert not breaker.refuses
    assert breaker.state is BreakerState.OPEN
