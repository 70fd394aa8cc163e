"""One HTTP request to a platform, and what came of it.

Guarantees: it ends within the timeout, whatever the other side does; at most 64 KB of an answer are
read and 2 KB kept; the status decides, also when the answer's body then breaks off or never ends;
an error names what happened, never the URL's path or a header's value.
Must not: follow redirects, retry, or reach an address the egress guard refuses (the client is the
guard's).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import httpx

from coop_action_dispatcher import metric
from coop_action_dispatcher.delivery import Attempt
from coop_action_dispatcher.schedule import parse_retry_after
from coop_runtime.egress.guard import EgressRefused
from coop_runtime.egress.post import PostAnswer, Poster, PostTarget

MAX_READ = 64 * 1024  # bytes; more means the connection is not used again
KEPT = 2048  # bytes

_ATTEMPTS = {
    outcome: metric.ATTEMPTS.labels(outcome)
    for outcome in ("2xx", "3xx", "4xx", "5xx", "other", "timeout", "refused", "error")
}


class Exchange(NamedTuple):
    """What was tried, and what was answered, if anything."""

    attempt: Attempt
    answer: PostAnswer | None


def utc_now() -> datetime:
    return datetime.now(UTC)


class Sender:
    """Sends with `poster`, whose deadline covers everything from the connection on."""

    def __init__(self, poster: Poster, *, now: Callable[[], datetime] = utc_now) -> None:
        self._poster = poster
        self._now = now

    def address(self, url: str, headers: Sequence[tuple[bytes, bytes]]) -> PostTarget:
        """Where to send, with the headers that all requests have: to be kept while they last.

        Raises EgressRefused, httpx.InvalidURL, httpx.LocalProtocolError.
        """
        return self._poster.prepare(url, headers)

    async def send(
        self, address: PostTarget, *, headers: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> Attempt:
        """POSTs `body`. Never raises for what the other side does."""
        return (await self.exchange(address, headers=headers, body=body)).attempt

    async def exchange(
        self, address: PostTarget, *, headers: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> Exchange:
        """The same, with the whole answer, for whoever shows it."""
        began = time.perf_counter()
        started_at = self._now()
        error: str | None = None
        answer: PostAnswer | None = None
        try:
            answer = await self._poster.post(address, headers, body)
            outcome = _class_of(answer.status)
        except httpx.TimeoutException:
            outcome, error = "timeout", f"no answer within {self._poster.timeout:g} s"
        except EgressRefused as raised:
            outcome, error = "refused", refusal(raised)
        except (httpx.HTTPError, OSError) as broken:
            outcome, error = "error", _describe(broken)
        latency = time.perf_counter() - began
        _ATTEMPTS[outcome].inc()
        metric.ATTEMPT_SECONDS.observe(latency)
        attempt = Attempt(
            started_at=started_at,
            latency_ms=latency * 1000,
            status=answer.status if answer else None,
            error=error,
            response=_text(answer.body) if answer else None,
            retry_after=self._retry_after(answer) if answer else None,
            refused=outcome == "refused",
        )
        return Exchange(attempt, answer)

    def _retry_after(self, answer: PostAnswer) -> float | None:
        if 200 <= answer.status < 300:
            return None
        return parse_retry_after(answer.header(b"retry-after"), now=self._now())


def refusal(raised: EgressRefused) -> str:
    """Why the guard refused, for people."""
    return f"refused by the egress guard: {raised}"


def refused(now: datetime, reason: str) -> Attempt:
    """An attempt that ended before anything left."""
    _ATTEMPTS["refused"].inc()
    return Attempt(started_at=now, latency_ms=0.0, error=reason, refused=True)


def _class_of(status: int) -> str:
    return f"{status // 100}xx" if 200 <= status < 600 else "other"


def _describe(error: Exception) -> str:
    # Texts of protocol errors may quote what was sent or answered; the class says enough of those.
    name = type(error).__name__
    if isinstance(error, httpx.ConnectError | httpx.ReadError | httpx.WriteError):
        return f"{name}: {str(error)[:200]}" if str(error) else name
    return name


def _text(read: bytes) -> str | None:
    # PostgreSQL's text holds no NUL.
    return read[:KEPT].decode(errors="replace").replace("\0", "\ufffd") if read else None
