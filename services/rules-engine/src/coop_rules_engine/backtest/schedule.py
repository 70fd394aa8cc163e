"""Who is next: backtests of many organisations share one process.

Guarantees: organisations take turns, whatever each has asked for, and so do an organisation's
backtests; at most `slots` are open (connected) at a time; one that waits gets a slot within a
quantum, from the organisation that has the most.
Must not: do anything itself.
"""

from __future__ import annotations

from collections import Counter
from typing import Generic, Protocol, TypeVar


class Schedulable(Protocol):
    """A backtest, as far as the schedule looks at it. Times are monotonic seconds: `opened_at`, and
    `due`, before which it has nothing to do."""

    @property
    def org_id(self) -> str: ...

    @property
    def is_open(self) -> bool: ...

    @property
    def opened_at(self) -> float: ...

    @property
    def due(self) -> float: ...


T = TypeVar("T", bound=Schedulable)


class BacktestSchedule(Generic[T]):
    """`quantum` in seconds: how long an open backtest may keep others waiting."""

    def __init__(self, *, slots: int, quantum: float) -> None:
        self._slots = slots
        self._quantum = quantum
        self._orgs: dict[str, list[T]] = {}

    def add(self, one: T) -> None:
        self._orgs.setdefault(one.org_id, []).append(one)

    def remove(self, one: T) -> None:
        queue = self._orgs[one.org_id]
        queue.remove(one)
        if not queue:
            del self._orgs[one.org_id]

    def step(self, now: float) -> T | None:
        """The open backtest whose turn it is; its organisation and itself go to the back."""
        for org_id, queue in self._orgs.items():
            for one in queue:
                if one.is_open and one.due <= now:
                    self._orgs[org_id] = [*(other for other in queue if other is not one), one]
                    self._orgs[org_id] = self._orgs.pop(org_id)
                    return one
        return None

    def to_open(self, now: float) -> T | None:
        """The backtest that should have a slot, if one waits; there may be none free."""
        counts = self._open_counts()
        waiting = [
            one
            for queue in self._orgs.values()
            for one in queue
            if not one.is_open and one.due <= now
        ]
        return min(waiting, key=lambda one: (counts[one.org_id], one.opened_at), default=None)

    def to_park(self, now: float, waiting: T) -> T | None:
        """The backtest that should give its slot to `waiting`; None: a slot is free, or all have
        the right to theirs for now."""
        opened = [one for queue in self._orgs.values() for one in queue if one.is_open]
        if len(opened) < self._slots:
            return None
        counts = self._open_counts()
        due = [
            one
            for one in opened
            if one.opened_at + self._quantum <= now and counts[one.org_id] >= counts[waiting.org_id]
        ]
        return max(due, key=lambda one: (counts[one.org_id], -one.opened_at), default=None)

    def has_room(self) -> bool:
        """Whether a slot is free."""
        return sum(self._open_counts().values()) < self._slots

    def _open_counts(self) -> Counter[str]:
        return Counter(one.org_id for queue in self._orgs.values() for one in queue if one.is_open)
