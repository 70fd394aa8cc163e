"""A job's turn: pure functions from a queue's order, its weights and clocks, and the job's facts.

    overdue                        by deadline, before everything else, whatever the order
    OLDEST_FIRST                   by first cause
    MOST_REPORTS                   by number of reports, then by first cause (to 0.1 s)
    WEIGHTED                       by first cause, put forward by minutes for reports, reporters and
                                   severity: virtual time, so that waiting always counts
    EARLIEST_DEADLINE              by deadline

Guarantees: a rank is one integer, lowest first, that a double (Redis) holds exactly; nobody starves
under any order, because a job becomes overdue: at its deadline, or where nothing was promised after
`LONGEST_WAIT`, and overdue jobs go by time alone.
Must not: do I/O, or know a clock: the caller says what time it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from coop_contracts.config import Policy, Queue, QueueOrder, QueueWeights

LONGEST_WAIT: Final = timedelta(hours=72)
"""After so long a job goes before all others where neither queue nor policy promise anything."""

SEVERITIES: Final[Mapping[str, int]] = {"NONE": 0, "LOW": 1, "MEDIUM": 2, "HIGH": 3, "SEVERE": 4}
"""A policy's penalty as a number; a job's severity is the greatest of its policies'."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 31, tzinfo=UTC)
_MINUTE: Final = 60_000_000  # microseconds
_EXACT: Final = 2**53 - 1  # the greatest integer up to which a double holds each
_AGE_BITS: Final = 36  # of a tenth of a second: until the year 2187
_LAST_TENTH: Final = (1 << _AGE_BITS) - 1
_MOST_REPORTS: Final = (1 << (53 - _AGE_BITS)) - 1  # more of them do not put a job forward
_LONGEST_PROMISE: Final = 10 * 366 * 24 * 60.0  # minutes; a greater one is as good as this

_encoder = msgspec.json.Encoder(order="sorted")


class Ranking(Struct, frozen=True, kw_only=True):
    """How one queue orders its jobs at one revision of its organisation's configuration.

    `target` is the queue's promise and `clocks` the law's by policy, both in minutes; `severities`
    are 1 to 4 by policy. `digest` is equal for equal rankings, whatever their revision.
    """

    order: QueueOrder = QueueOrder.OLDEST_FIRST
    weights: QueueWeights = QueueWeights()
    target: float | None = None
    severities: Mapping[str, int] = {}
    clocks: Mapping[str, float] = {}
    revision: int = 0
    digest: int = 0

    @classmethod
    def of(cls, queue: Queue | None, policies: Iterable[Policy], *, revision: int) -> Ranking:
        """The ranking of that queue (None: one without a document) under these policies, all of its
        organisation."""
        ordered = sorted(policies, key=lambda policy: policy.id)
        made = cls(
            order=queue.order if queue else QueueOrder.OLDEST_FIRST,
            weights=queue.weights if queue else QueueWeights(),
            target=queue.target_minutes if queue else None,
            severities={p.id: SEVERITIES[p.penalty] for p in ordered if p.penalty != "NONE"},
            clocks={
                p.id: p.review_within_minutes
                for p in ordered
                if p.review_within_minutes is not None
            },
            revision=revision,
        )
        return msgspec.structs.replace(made, digest=_digest_of(made))


def _digest_of(ranking: Ranking) -> int:
    """64 bits, signed, as PostgreSQL's bigint."""
    parts = (ranking.order, ranking.weights, ranking.target, ranking.severities, ranking.clocks)
    if parts == (QueueOrder.OLDEST_FIRST, QueueWeights(), None, {}, {}):
        return 0
    hashed = hashlib.blake2b(_encoder.encode(parts), digest_size=8).digest()
    return int.from_bytes(hashed, "big", signed=True)


class TurnFacts(NamedTuple):
    """What a job's turn is computed from. `reporters` are distinct."""

    first_cause: datetime
    reports: int
    reporters: int
    policy_ids: Iterable[str]


class JobTurn(NamedTuple):
    """`rank`: lowest first. `deadline`: when it is to be decided, if anyone promised. `overdue_at`:
    when it will go before all others; None when it does already, or its order sees to it."""

    rank: int
    severity: int
    deadline: datetime | None
    overdue_at: datetime | None


def turn_of(ranking: Ranking, facts: TurnFacts, *, now: datetime) -> JobTurn:
    """The turn of a job with these facts. `now` decides whether it is overdue."""
    policies = set(facts.policy_ids)
    severity = max((ranking.severities.get(policy, 0) for policy in policies), default=0)
    promises = [ranking.clocks[policy] for policy in policies if policy in ranking.clocks]
    if ranking.target is not None:
        promises.append(ranking.target)
    deadline = _deadline(facts.first_cause, min(promises)) if promises else None
    overdue_at = deadline or _after(facts.first_cause, LONGEST_WAIT)
    if ranking.order is QueueOrder.EARLIEST_DEADLINE:
        # What is overdue goes first there by itself.
        return JobTurn(_within(microseconds_of(overdue_at)), severity, deadline, None)
    if overdue_at <= now:
        return JobTurn(overdue_rank(overdue_at), severity, deadline, None)
    return JobTurn(_rank(ranking, facts, severity), severity, deadline, overdue_at)


def _deadline(first: datetime, minutes: float) -> datetime:
    return _after(first, timedelta(minutes=min(max(0.0, minutes), _LONGEST_PROMISE)))


def _after(first: datetime, wait: timedelta) -> datetime:
    return first + wait if first < _LAST - wait else _LAST


def _rank(ranking: Ranking, facts: TurnFacts, severity: int) -> int:
    age = microseconds_of(facts.first_cause)
    if ranking.order is QueueOrder.MOST_REPORTS:
        fewer = _MOST_REPORTS - min(max(0, facts.reports), _MOST_REPORTS)
        tenths = min(max(0, age // 100_000), _LAST_TENTH)
        return (fewer << _AGE_BITS) + tenths
    if ranking.order is QueueOrder.WEIGHTED:
        weights = ranking.weights
        minutes = (
            weights.report * max(0, facts.reports - 1)
            + weights.reporter * max(0, facts.reporters - 1)
            + weights.severity * severity
        )
        # Bounded before it is an integer: a weight may be as large as a double.
        age -= round(min(max(minutes * _MINUTE, -float(_EXACT)), float(_EXACT)))
    return _within(age)


def _within(rank: int) -> int:
    return min(max(0, rank), _EXACT)


def overdue_rank(overdue_at: datetime) -> int:
    """Of a job that is overdue since then: below zero, where no other rank is."""
    return _within(microseconds_of(overdue_at)) - OVERDUE


UNRANKED: Final = -1
"""In place of a ranking's digest: the job is to get its turn anew, soon."""

OVERDUE: Final = _EXACT + 1
"""An overdue job's rank is the microseconds of its deadline less this."""


def microseconds_of(at: datetime) -> int:
    """Since 1970, exactly."""
    delta = at - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
