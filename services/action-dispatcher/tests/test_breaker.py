"""Circuit breakers as one process sees them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from coop_action_dispatcher.breaker import BreakerLimits, Breakers, News, Troubled, news_of
from coop_action_dispatcher.delivery import Attempt

LIMITS = BreakerLimits(failures=3, first=5, last=60)


def attempt(status: int | None) -> Attempt:
    return Attempt(
        started_at=datetime.now(UTC),
        latency_ms=1.0,
        status=status,
        error=None if status else "no answer",
    )


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    return Breakers(LIMITS, clock=clock)


def see(breakers: Breakers, *statuses: int | None, probe: bool = False) -> list[News | None]:
    changes = [breakers.observe(1, attempt(status), probe=probe) for status in statuses]
    return [change.news if change else None for change in changes]


@pytest.mark.parametrize(
    ("status", "news"),
    [
        (None, News.FAILED),
        (500, News.FAILED),
        (503, News.FAILED),
        (429, News.FAILED),
        (408, News.FAILED),
        (200, News.DELIVERED),
        (204, News.DELIVERED),
        (301, News.ANSWERED),
        (400, News.ANSWERED),
        (404, News.ANSWERED),
        (410, News.GONE),
    ],
)
def test_what_an_attempt_says_of_its_endpoint(status: int | None, news: News) -> None:
    """Silence and overload fail an endpoint; a refusal of one request does not."""
    assert news_of(attempt(status)) is news


def test_failures_in_a_row_open(breakers: Breakers) -> None:
    """The third failure in a row opens; the first is told so that its time is known."""
    assert see(breakers, 500, None, 500) == [News.FAILED, None, News.OPENED]
    assert breakers.blocked(1)
    assert not breakers.blocked(2)


def test_an_answer_begins_the_count_anew(breakers: Breakers) -> None:
    """Failures with answers in between do not open until nearly all fail."""
    see(breakers, 500, 500, 200, 500, 500, 404, 500, 500)
    assert not breakers.blocked(1)


def test_nearly_only_failures_open() -> None:
    """A share of failures above the limit opens, though an answer comes now and then."""
    breakers = Breakers(BreakerLimits(failures=1000, share=0.8))
    for n in range(200):
        breakers.observe(1, attempt(200 if n % 20 == 0 else 500), probe=False)
    assert breakers.blocked(1)


def test_half_and_half_stays_closed() -> None:
    """An endpoint that takes every second one is worth asking."""
    breakers = Breakers(BreakerLimits(failures=10, share=0.8))
    for n in range(500):
        breakers.observe(1, attempt(200 if n % 2 else 500), probe=False)
    assert not breakers.blocked(1)


def test_late_failures_do_not_open_twice(breakers: Breakers) -> None:
    """What was under way when it opened fails too, and makes the wait no longer."""
    see(breakers, 500, 500, 500)
    assert see(breakers, 500, 500) == [None, None]


def test_a_failed_probe_opens_again(breakers: Breakers) -> None:
    """The probe alone makes the next wait."""
    see(breakers, 500, 500, 500)
    assert see(breakers, 500, probe=True) == [News.OPENED]


@pytest.mark.parametrize("status", [200, 404])
def test_any_answer_closes(breakers: Breakers, status: int) -> None:
    """A probe that is answered closes, whatever the answer, unless it is a failure."""
    see(breakers, 500, 500, 500)
    (news,) = see(breakers, status, probe=True)
    assert news in (News.DELIVERED, News.ANSWERED)
    assert not breakers.blocked(1)
    see(breakers, 500, 500)
    assert not breakers.blocked(1), "the count began anew"


def test_gone_blocks_at_once(breakers: Breakers) -> None:
    """A 410 pauses: nothing more is leased for it."""
    assert see(breakers, 410) == [News.GONE]
    assert breakers.blocked(1)


def test_good_news_are_told_now_and_then(breakers: Breakers, clock: Clock) -> None:
    """A healthy endpoint costs one write in ten seconds, not one a delivery."""
    assert see(breakers, *[200] * 5) == [News.DELIVERED, None, None, None, None]
    clock.now += 11
    assert see(breakers, 200, 200) == [News.DELIVERED, None]


def test_the_first_success_after_failures_is_told(breakers: Breakers) -> None:
    """The time of failing ends with it."""
    see(breakers, 200, 500)
    assert see(breakers, 200) == [News.DELIVERED]


def test_the_rows_view_is_taken_over(breakers: Breakers) -> None:
    """What other processes know of endpoints blocks here too, and no longer than there."""
    breakers.load(
        [
            Troubled(1, "o", paused=True, open_for=None, failing=True),
            Troubled(2, "o", paused=False, open_for=30.0, failing=True),
            Troubled(3, "o", paused=False, open_for=-1.0, failing=True),
            Troubled(4, "o", paused=False, open_for=None, failing=True),
        ],
        read_at=breakers.now(),
    )
    assert [breakers.blocked(n) for n in (1, 2, 3, 4)] == [True, True, True, False]
    assert breakers.count() == (2, 1)
    breakers.load([], read_at=breakers.now())
    assert not any(breakers.blocked(n) for n in (1, 2, 3, 4))
    assert breakers.count() == (0, 0)


def test_what_was_read_before_does_not_undo_what_is_known_since(
    breakers: Breakers, clock: Clock
) -> None:
    """A view of the rows that is older than the news of this process changes nothing of it."""
    read_at = breakers.now()
    clock.now += 0.1
    see(breakers, 410)
    breakers.load([], read_at=read_at)
    assert breakers.blocked(1), "its row does not have it yet"
    breakers.saved(1)
    breakers.load([], read_at=read_at)
    assert breakers.blocked(1), "its row has it since"
    clock.now += 0.1
    breakers.load([], read_at=breakers.now())
    assert not breakers.blocked(1), "another process, or a person, has resumed it"
