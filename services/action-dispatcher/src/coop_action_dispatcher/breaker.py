"""The circuit breakers of endpoints, as this process sees them.

           n failures in a row, or nearly all of the last ones
    CLOSED ───────────────────────────────────▶ OPEN ──its time is over──▶ HALF OPEN: one probe
       ▲                                          ▲                            │
       │                                          └────── the probe failed ────┤
       └─────────────────── any answer that is no failure ─────────────────────┘
    PAUSED: by a person, by a 410, or after days without success; left by a person only

Guarantees: pure but for the clock that is handed in. While a breaker is not closed, its endpoint
gets one probe at a time; a delivery that waits for it uses up no attempt.
Must not: decide alone what holds between processes: the row in the database does, and this view of
it is brought up to date every second.

What fails an endpoint is that it does not answer, or says so: no answer, 5xx, 408, 429. An endpoint
that refuses one request with another 4xx is well enough to be asked about the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from coop_action_dispatcher.delivery import Attempt

_WEIGHT = 1 / 16  # of one attempt in the moving share of failures
_SAY_AGAIN = 10.0  # seconds between two notes of the same news
_REQUEST_TIMEOUT, _GONE, _TOO_MANY = 408, 410, 429


class News(StrEnum):
    """What an attempt says of its endpoint, and what follows: OPENED is a failure that opens the
    breaker."""

    DELIVERED = "DELIVERED"
    ANSWERED = "ANSWERED"
    FAILED = "FAILED"
    OPENED = "OPENED"
    GONE = "GONE"


class HealthChange(NamedTuple):
    """News that the endpoint's row must have. `probe`: of the one delivery that an open breaker
    let through."""

    endpoint_id: int
    news: News
    probe: bool
    status: int | None
    error: str | None


class Troubled(NamedTuple):
    """An endpoint that is not simply well; `open_for` seconds its breaker stays open, None where it
    is closed, negative where it is half open."""

    endpoint_id: int
    org_id: str
    paused: bool
    open_for: float | None
    failing: bool


class BreakerLimits(Struct, frozen=True, kw_only=True):
    """When a breaker opens, and for how long: `first` seconds, doubling up to `last`. After
    `pause_after` seconds without success an endpoint is paused."""

    failures: int = 10
    share: float = 0.8
    first: float = 5.0
    last: float = 60.0
    pause_after: float = 5 * 24 * 3600.0


class _Breaker(Struct):
    failures: int = 0
    share: float = 0.0
    paused: bool = False
    open_until: float | None = None
    failing: bool = False
    told_success: float = float("-inf")
    told_failure: float = float("-inf")
    unsaved: int = 0  # changes that are not in the row yet
    changed_at: float = float("-inf")


def news_of(attempt: Attempt) -> News:
    """What the attempt says of its endpoint."""
    status = attempt.status
    if status is None or status >= 500 or status in (_REQUEST_TIMEOUT, _TOO_MANY):
        return News.FAILED
    if 200 <= status < 300:
        return News.DELIVERED
    return News.GONE if status == _GONE else News.ANSWERED


class Breakers:
    """The breakers by endpoint id. Times are seconds of the clock, `time.monotonic`."""

    def __init__(
        self, limits: BreakerLimits, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._breakers: dict[int, _Breaker] = {}

    def blocked(self, endpoint_id: int) -> bool:
        """True when nothing may be sent there but a probe, which the scheduling pass chooses."""
        breaker = self._breakers.get(endpoint_id)
        return breaker is not None and (breaker.paused or breaker.open_until is not None)

    def count(self) -> tuple[int, int]:
        """How many are open (or half open), and how many paused."""
        paused = sum(one.paused for one in self._breakers.values())
        opened = sum(
            one.open_until is not None and not one.paused for one in self._breakers.values()
        )
        return opened, paused

    def observe(self, endpoint_id: int, attempt: Attempt, *, probe: bool) -> HealthChange | None:
        """Takes an attempt in; the change that its endpoint's row must have, if any."""
        breaker = self._breakers.setdefault(endpoint_id, _Breaker())
        news = news_of(attempt)
        now = self._clock()
        if news in (News.DELIVERED, News.ANSWERED):
            changed = self._answered(breaker, news, now)
        elif news is News.FAILED:
            news, changed = self._failed(breaker, probe=probe, now=now)
        else:
            breaker.paused = changed = True
        if not changed:
            return None
        breaker.unsaved += 1
        return HealthChange(endpoint_id, news, probe, attempt.status, attempt.error)

    def _answered(self, breaker: _Breaker, news: News, now: float) -> bool:
        was_open = breaker.open_until is not None
        breaker.failures, breaker.open_until = 0, None
        breaker.share *= 0.0 if was_open else 1 - _WEIGHT
        if news is News.ANSWERED:
            return was_open or self._tells_failure(breaker, now)
        was_failing, breaker.failing = breaker.failing, False
        if was_open or was_failing or now - breaker.told_success > _SAY_AGAIN:
            breaker.told_success = now
            return True
        return False

    def _failed(self, breaker: _Breaker, *, probe: bool, now: float) -> tuple[News, bool]:
        breaker.failures += 1
        breaker.share += (1 - breaker.share) * _WEIGHT
        tells = self._tells_failure(breaker, now)
        limits = self.limits
        tired = breaker.failures >= limits.failures or breaker.share >= limits.share
        if probe or (tired and breaker.open_until is None):
            # Until the row says how long: the first wait.
            breaker.open_until = now + limits.first
            return News.OPENED, True
        return News.FAILED, tells

    def _tells_failure(self, breaker: _Breaker, now: float) -> bool:
        if breaker.failing and now - breaker.told_failure <= _SAY_AGAIN:
            return False
        breaker.failing, breaker.told_failure = True, now
        return True

    def saved(self, endpoint_id: int) -> None:
        """A change is in the row, or another has taken its place."""
        breaker = self._breakers.get(endpoint_id)
        if breaker is not None:
            breaker.unsaved -= 1
            breaker.changed_at = self._clock()

    def now(self) -> float:
        """The moment from which on what is read of the rows is new; for `load`."""
        return self._clock()

    def load(self, troubled: Iterable[Troubled], *, read_at: float) -> None:
        """Brings the view up to date: `troubled` are all endpoints that were not simply well at
        `read_at`. What this process knows better by now stays."""
        now = self._clock()
        found = {one.endpoint_id: one for one in troubled}
        for endpoint_id in found.keys() - self._breakers.keys():
            self._breakers[endpoint_id] = _Breaker()
        for endpoint_id, breaker in list(self._breakers.items()):
            one = found.get(endpoint_id)
            if breaker.unsaved or breaker.changed_at >= read_at:
                continue
            if one is None:
                if breaker.open_until is not None:
                    breaker.failures, breaker.share = 0, 0.0
                breaker.paused = breaker.failing = False
                breaker.open_until = None
                if not breaker.failures and now - breaker.told_success > 60 * _SAY_AGAIN:
                    del self._breakers[endpoint_id]  # nothing to remember
                continue
            breaker.paused, breaker.failing = one.paused, one.failing
            breaker.open_until = None if one.open_for is None else now + one.open_for
