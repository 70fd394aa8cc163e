"""Turns: what comes before what, under each order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from coop_contracts.config import Policy, Queue, QueueOrder, QueueWeights
from coop_queues.ranking import LONGEST_WAIT, JobTurn, Ranking, TurnFacts, turn_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)
POLICIES = (
    Policy(id="mild", name="Mild", penalty="LOW"),
    Policy(id="law", name="Law", penalty="SEVERE", review_within_minutes=60),
    Policy(id="slow", name="Slow", penalty="HIGH", review_within_minutes=48 * 60),
)


def ranking(order: str = "OLDEST_FIRST", **fields: Any) -> Ranking:
    queue = Queue(id="q", name="Q", order=QueueOrder(order), **fields)
    return Ranking.of(queue, POLICIES, revision=7)


def turn(
    how: Ranking, minutes: float, reports: int = 1, reporters: int = 1, *policies: str
) -> JobTurn:
    """The turn of a job whose first cause is so many minutes old."""
    facts = TurnFacts(NOW - timedelta(minutes=minutes), reports, reporters, policies)
    return turn_of(how, facts, now=NOW)


def test_the_oldest_comes_first() -> None:
    """By first cause to the microsecond, whatever else is known of the jobs."""
    how = ranking()
    assert turn(how, 9).rank < turn(how, 8, 100, 100, "mild").rank
    first, second = NOW - timedelta(minutes=1), NOW - timedelta(minutes=1, microseconds=-1)
    ranks = [turn_of(how, TurnFacts(at, 1, 1, ()), now=NOW).rank for at in (first, second)]
    assert ranks[1] - ranks[0] == 1


def test_most_reports_come_first_then_the_oldest() -> None:
    """One report more is worth more than any age; among equals the older one comes first."""
    how = ranking("MOST_REPORTS")
    assert turn(how, 1, 3).rank < turn(how, 4000, 2).rank
    assert turn(how, 9, 2).rank < turn(how, 8, 2).rank
    assert turn(how, 1, 10**9).rank <= turn(how, 0, 10**6).rank


def test_weights_are_minutes_of_head_start() -> None:
    """A further report, a further reporter and a step of severity put a job forward by as many
    minutes as the queue says, no more."""
    how = ranking("WEIGHTED", weights=QueueWeights(report=10, reporter=20, severity=30))
    plain = [turn(how, minutes).rank for minutes in (10, 20, 30, 120)]
    assert plain == [
        turn(how, 0, 2).rank,
        turn(how, 0, 1, 2).rank,
        turn(how, 0, 1, 1, "mild").rank,
        turn(how, 60, 2, 2, "mild").rank,
    ]
    huge = ranking("WEIGHTED", weights=QueueWeights(report=1e308))
    assert turn(huge, 0, 10).rank == 0


def test_the_earliest_deadline_comes_first() -> None:
    """By the nearer of the queue's target and the policies' clocks; without either, by the longest
    wait."""
    how = ranking("EARLIEST_DEADLINE")
    urgent = turn(how, 30, 1, 1, "law", "slow")
    assert urgent.deadline == NOW + timedelta(minutes=30)
    assert urgent.rank < turn(how, 60, 1, 1, "slow").rank < turn(how, 60).rank
    assert turn(how, 60).deadline is None
    late = turn(how, 61, 1, 1, "law")
    assert late.rank < urgent.rank
    assert turn(ranking(target_minutes=45), 10, 1, 1, "law").deadline == NOW + timedelta(minutes=35)


def test_severity_is_that_of_the_gravest_policy() -> None:
    """From 0 to 4; policies that are gone count nothing."""
    severities = [
        turn(ranking(), 1, 1, 1, *policies).severity
        for policies in ((), ("gone",), ("mild",), ("slow", "mild"), ("law", "slow"))
    ]
    assert severities == [0, 0, 1, 3, 4]


@given(
    order=st.sampled_from(QueueOrder),
    target=st.none() | st.integers(1, 10_000),
    weights=st.builds(QueueWeights, report=st.floats(0, 1e12), severity=st.floats(0, 1e12)),
    old=st.integers(0, 10**7),
    young=st.integers(0, 10**7),
    reports=st.integers(0, 10**9),
    policies=st.sets(st.sampled_from(["mild", "law", "slow"])),
)
def test_whoever_is_overdue_comes_before_all_who_are_not(
    order: QueueOrder,
    target: int | None,
    weights: QueueWeights,
    old: int,
    young: int,
    reports: int,
    policies: set[str],
) -> None:
    """Under every order: of two jobs the one past its deadline comes first, of two that are past
    theirs the one that was due earlier; a double holds every rank."""
    how = ranking(order, target_minutes=target, weights=weights)
    one, other = turn(how, old, 1, 1, *policies), turn(how, young, reports, 3)
    due = [
        (found.deadline or NOW - timedelta(minutes=age) + LONGEST_WAIT)
        for found, age in ((one, old), (other, young))
    ]
    if due[0] <= NOW and due[0] < due[1]:
        assert one.rank < other.rank
    if order is not QueueOrder.EARLIEST_DEADLINE:
        assert (one.overdue_at is None) == (due[0] <= NOW)
    for found in (one, other):
        assert int(float(found.rank)) == found.rank
        assert abs(found.rank) < 2**53


def test_equal_rankings_have_equal_digests() -> None:
    """Whatever their revision and the order of policies; a plain queue's is that of no queue."""
    queue = Queue(id="q", name="Q", target_minutes=5)
    one = Ranking.of(queue, POLICIES, revision=1)
    other = Ranking.of(queue, tuple(reversed(POLICIES)), revision=2)
    assert one.digest == other.digest
    assert Ranking.of(None, (), revision=9).digest == Ranking().digest
    assert Ranking.of(queue, POLICIES[:2], revision=1).digest != one.digest
    assert ranking("WEIGHTED").digest != ranking("MOST_REPORTS").digest


def test_absurd_promises_are_no_overflow() -> None:
    """A target of a billion years, or a first cause at the end of time, ranks all the same."""
    how = ranking(target_minutes=10**15)
    assert turn(how, 1).overdue_at is not None
    last = TurnFacts(datetime(9999, 12, 31, 23, tzinfo=UTC), 1, 1, ())
    assert turn_of(how, last, now=NOW).rank > turn(how, 1).rank
