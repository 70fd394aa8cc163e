"""A circuit breaker: a side that fails is left alone, and tried again by one call at a time.

    closed ──half of the last calls failed──▶ open ──wait over──▶ probing ──success──▶ closed
                                               ▲                     │
                                               └──failure, wait ×2───┘

Guarantees: while open no call goes out; while probing exactly one does. What a call that began
under an earlier state says is not counted. Waits double from 1 s to 60 s, with jitter, so that
processes do not probe together.
Must not: be shared by two organisations: one's key or content must not shut another out.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from enum import StrEnum

REMEMBERED = 20  # outcomes
FAILURES = 5
FIRST_WAIT = 1.0
LAST_WAIT = 60.0


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


class BreakerOpen(Exception):
    """The call may not go out; the text says why, `wait` (seconds) when one may."""

    def __init__(self, text: str, wait: float) -> None:
        super().__init__(text)
        self.wait = wait


class Breaker:
    """`clock` in seconds; `jitter` gives 0 to 1; `on_state` hears of every change."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        jitter: Callable[[], float] = random.random,
        on_state: Callable[[BreakerState], None] = lambda _state: None,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._on_state = on_state
        self._outcomes: deque[bool] = deque(maxlen=REMEMBERED)
        self._generation = 0
        self._opened = 0  # times in a row
        self._until = 0.0
        self._reason = ""
        self.state = BreakerState.CLOSED

    @property
    def refuses(self) -> bool:
        """Whether a call would not be admitted now."""
        if self.state is BreakerState.OPEN:
            return self._until > self._clock()
        return self.state is BreakerState.PROBING

    def check(self) -> None:
        """Raises BreakerOpen when a call would not be admitted now. Admits none."""
        if self.state is BreakerState.CLOSED:
            return
        wait = self._until - self._clock()
        if self.state is BreakerState.PROBING or wait > 0:
            raise BreakerOpen(self._reason, max(wait, 0.0))

    def admit(self) -> int:
        """A ticket for one call, to be given back. Raises BreakerOpen."""
        self.check()
        if self.state is BreakerState.OPEN:
            self._become(BreakerState.PROBING)
        return self._generation

    def succeeded(self, ticket: int) -> None:
        if ticket != self._generation:
            return
        if self.state is BreakerState.PROBING:
            self.reset()
        else:
            self._outcomes.append(True)

    def failed(self, ticket: int, reason: str) -> None:
        if ticket != self._generation:
            return
        self._outcomes.append(False)
        failures = self._outcomes.count(False)
        probing = self.state is BreakerState.PROBING
        if probing or (failures >= FAILURES and failures * 2 >= len(self._outcomes)):
            wait = min(FIRST_WAIT * 2.0 ** min(self._opened, 20), LAST_WAIT)
            self._opened += 1
            self._open(wait * (0.5 + self._jitter() / 2), reason)

    def abandoned(self, ticket: int) -> None:
        """The call ended without saying anything of the other side."""
        if ticket == self._generation and self.state is BreakerState.PROBING:
            self._open(0.0, self._reason)

    def hold(self, seconds: float, reason: str) -> None:
        """Opens for that long, because the other side asked for it or refuses every call."""
        if self._until - self._clock() < seconds or self.state is not BreakerState.OPEN:
            self._open(seconds, reason)

    def reset(self) -> None:
        """Closes, and forgets the past."""
        self._outcomes.clear()
        self._opened = 0
        if self.state is not BreakerState.CLOSED:
            self._become(BreakerState.CLOSED)

    def _open(self, wait: float, reason: str) -> None:
        self._until = self._clock() + wait
        self._reason = reason
        self._outcomes.clear()
        self._become(BreakerState.OPEN)

    def _become(self, state: BreakerState) -> None:
        self._generation += 1
        changed = state is not self.state
        self.state = state
        if changed:
            self._on_state(state)
