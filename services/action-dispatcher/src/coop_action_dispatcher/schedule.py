"""When a delivery is tried again, and when it is given up.

Guarantees: pure; the only randomness is the one handed in. A delay is never shorter than the
schedule says, so that a platform's own limits can rely on it; an answer's `Retry-After` can only
make it longer, within a bound, because a platform that always says "1" would otherwise burn the
whole schedule in seconds.
Must not: read a clock or sleep.

    answer                         then
    2xx                            DELIVERED
    410                            DEAD: the endpoint says that it is gone
    none, refused by ourselves     DEAD: it is no outage, waiting would mend nothing
    anything else, or no answer    again after the next delay; after the last one DEAD

A redirect is "anything else": the signature was made for this endpoint and no other.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from coop_action_dispatcher.delivery import State, Verdict

RETRY_DELAYS: tuple[float, ...] = (
    5,
    5 * 60,
    30 * 60,
    2 * 3600,
    5 * 3600,
    10 * 3600,
    14 * 3600,
    20 * 3600,
    24 * 3600,
)
"""Seconds between one attempt and the next: ten attempts over a little more than three days."""

JITTER = 0.1  # a delay is stretched by up to this share
MAX_RETRY_AFTER = 24 * 3600.0  # seconds; a longer wish of the platform is cut to this

_HONOURED = frozenset({429, 502, 503, 504})

_HOLD_FIRST = 5.0
_HOLD_LAST = 300.0


class Schedule:
    """The attempts of a delivery. `delays` are seconds between one attempt and the next."""

    def __init__(
        self,
        delays: Sequence[float] = RETRY_DELAYS,
        *,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._delays = tuple(delays)
        self._uniform = uniform

    def after(
        self,
        *,
        number: int,
        status: int | None,
        error: str | None,
        retry_after: float | None,
        refused: bool = False,
    ) -> Verdict:
        """What follows from attempt `number` (1 is the first).

        `status` is the HTTP status, None where there was no answer; `error` says why not,
        `refused` that it was our own refusal;
        `retry_after` the seconds the answer asked to wait.
        """
        if status is not None and 200 <= status < 300:
            return Verdict(State.DELIVERED)
        reason = error or describe(status)
        if refused or status == 410:
            return Verdict(State.DEAD, reason=reason)
        if number > len(self._delays):
            return Verdict(State.DEAD, reason=f"{reason}; gave up after {number} attempts")
        delay = self._delays[number - 1]
        if retry_after is not None and status in _HONOURED:
            delay = max(delay, min(retry_after, MAX_RETRY_AFTER))
        return Verdict(State.PENDING, delay=delay * self._uniform(1.0, 1.0 + JITTER), reason=reason)

    def hold(self, *, age: float, reason: str) -> Verdict:
        """What follows when nothing could be sent, so that no attempt is used up.

        `age` is the delivery's, in seconds: the wait doubles from 5 s to 5 min. Whoever mends the
        cause by a change of configuration ends it at once. Held for longer than the schedule lasts,
        the delivery is dead: a person has had three days to see the alarm.
        """
        if age > sum(self._delays) + _HOLD_LAST:
            return Verdict(State.DEAD, reason=reason)
        delay = min(max(age, _HOLD_FIRST), _HOLD_LAST)
        return Verdict(
            State.PENDING,
            delay=delay * self._uniform(1.0, 1.0 + JITTER),
            reason=reason,
            held=True,
        )


def describe(status: int | None) -> str:
    """Why an answer with this status is no success."""
    if status is None:
        return "no answer"
    if 300 <= status < 400:
        return f"HTTP {status}: redirects are not followed"
    if status == 410:
        return "HTTP 410: the endpoint is gone"
    return f"HTTP {status}"


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Seconds to wait by a `Retry-After` header (RFC 9110 §10.2.3), None where it says nothing.

    Both forms are read: whole seconds and an HTTP date. A date that has passed is 0.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < 10 else MAX_RETRY_AFTER
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
