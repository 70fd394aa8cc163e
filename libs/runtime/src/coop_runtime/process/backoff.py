"""The schedule of retries: exponential, with jitter, without an end.

Guarantees: delays from the first (0.1 s) doubling to the last (30 s), each drawn between half of
that and all of it, so that processes that failed together do not come back together.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

FIRST_SECONDS = 0.1
LAST_SECONDS = 30.0


def no_jitter() -> float:
    """For one that never fails together with others, and says beforehand how long it will wait."""
    return 1.0


class Backoff:
    """One series of failures. `clock` counts seconds, `jitter` gives 0 (half a delay) to 1."""

    def __init__(
        self,
        *,
        first: float = FIRST_SECONDS,
        last: float = LAST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._first = first
        self._last = last
        self._clock = clock
        self._jitter = jitter
        self._failures = 0
        self._since: float | None = None

    def next_delay(self) -> float:
        """Count a failure; the seconds to wait before the next attempt."""
        if self._since is None:
            self._since = self._clock()
        delay = min(self._first * 2.0 ** min(self._failures, 20), self._last)
        self._failures += 1
        return delay * (0.5 + self._jitter() / 2)

    def reset(self) -> None:
        """Something succeeded."""
        self._failures = 0
        self._since = None

    @property
    def failing_for(self) -> float:
        """Seconds since the first failure of the series; 0 when the last attempt succeeded."""
        return 0.0 if self._since is None else self._clock() - self._since
