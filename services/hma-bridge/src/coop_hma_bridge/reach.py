"""Whose fault it is when a host does not answer: its own, or that of our way to all hosts.

    somebody was heard since it was asked          its own
    nobody was: one that answered lately is asked
        it answers                                 its own
        it does not, or nobody ever answered       ours: wait, and say nothing, until anybody is
                                                   heard; meanwhile a host is tried every `AGAIN`

A host that was silent `IN_A_ROW` times for an organisation has little time for `REST` seconds. That
is kept by organisation: whoever sends addresses of another's host that hang takes nothing from it.
What is heard of a host is everybody's: it says something of our network only.

Guarantees: while our network is away no medium is called unreachable; dead hosts, however many,
stop nobody whose host answers, and count for nothing where another answers.
Must not: ask anybody anything.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")

IN_A_ROW: Final = 5
REST: Final = 30.0
LATELY: Final = 600.0
"""So long before the last answer of all may its own be of a host that is asked if we are away."""
AGAIN: Final = 5.0
_MOST: Final = 10_000
_KNOWN: Final = 1_000


class Reach:
    """What was heard of hosts lately. A host is an origin: scheme, name and port."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._heard_at: float | None = None
        self._answered: OrderedDict[str, float] = OrderedDict()  # the last that answered is last
        self._silent: OrderedDict[str, float] = OrderedDict()  # since when; answered ones are not
        self._rows: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()
        self._tried: OrderedDict[str, float] = OrderedDict()  # while we are away
        self._asked: set[str] = set()  # since we are away
        self.away = False
        """Whether nobody answers."""

    def heard(self, org_id: str, host: str) -> None:
        """It answered the organisation, whatever."""
        self._rows.pop((org_id, host), None)
        self.answered(host)

    def answered(self, host: str) -> None:
        """It answered."""
        now = self.now()
        self._heard_at, self.away = now, False
        _put(self._answered, host, now, _KNOWN)
        self._silent.pop(host, None)
        self._tried.clear()
        self._asked.clear()

    def silent(self, org_id: str, host: str) -> None:
        """It could not be reached, or said nothing in time; and that is its own fault."""
        many, _ = self._rows.pop((org_id, host), (0, 0.0))
        _put(self._rows, (org_id, host), (many + 1, self.now()), _MOST)
        _put(self._silent, host, self.now(), _MOST)

    def heard_since(self, moment: float) -> bool:
        """Whether anybody answered since then."""
        return self._heard_at is not None and self._heard_at >= moment

    def to_ask(self) -> str | None:
        """A host that answered lately, to be asked whether we are away: another each time, those
        first that were not silent since."""
        if self._heard_at is None:
            return None
        since = self._heard_at - LATELY
        lately = [host for host, at in reversed(self._answered.items()) if at >= since]
        if self._asked.issuperset(lately):
            self._asked.clear()
        left = [host for host in lately if host not in self._asked]
        left.sort(key=lambda host: host in self._silent)
        if left:
            self._asked.add(left[0])
        return left[0] if left else None

    def nobody_answers(self) -> None:
        """It is we who are away."""
        self.away = True

    def may_try(self, host: str) -> bool:
        """Whether the host may be asked now; while we are away, once in a while."""
        if not self.away:
            return True
        now = self.now()
        if now - self._tried.get(host, -AGAIN) < AGAIN:
            return False
        _put(self._tried, host, now, _MOST)
        return True

    def rests(self, org_id: str, host: str) -> bool:
        """Whether it has little time. It has all of it once, when its rest is over."""
        many, since = self._rows.get((org_id, host), (0, 0.0))
        return many >= IN_A_ROW and self.now() - since < REST


def _put(kept: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > most:
        kept.popitem(last=False)
