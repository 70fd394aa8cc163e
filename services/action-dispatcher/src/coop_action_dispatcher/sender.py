"""One HTTP request to a platform, and what came of it.

Guarantees: it ends within the timeout, whatever the other side does; at most 64 KB of an answer are
read and 2 KB kept; the status decides, also when the answer's body then breaks off or never ends;
an error names what happened, never the URL's path or a header's value.
Must not: follow redirects, retry, or reach an address the egress guard refuses (the client is the
guard's).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import httpx

from coop_action_dispatcher import metric
from coop_action_dispatcher.delivery import Attempt
from coop_action_dispatcher.schedule import parse_retry_after
from coop_runtime.egress import EgressRefused

MAX_READ = 64 * 1024  # bytes; more means the connection is not used again
KEPT = 2048  # bytes


def utc_now() -> datetime:
    return datetime.now(UTC)


class Sender:
    """Sends with `client`; `timeout` is in seconds and covers everything from the connection on."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        timeout: float,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._client = client
        self._timeout = timeout
        self._now = now

    async def send(
        self, url: str, *, headers: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> Attempt:
        """POSTs `body`. Never raises for what the other side does."""
        started_at = self._now()
        began = time.perf_counter()
        exchange = _Exchange()
        error: str | None = None
        outcome = ""
        try:
            async with asyncio.timeout(self._timeout):
                await exchange.run(self._client, url, headers, body)
        except (TimeoutError, httpx.TimeoutException):
            outcome, error = "timeout", f"no answer within {self._timeout:g} s"
        except EgressRefused as refused:
            outcome, error = "refused", f"refused by the egress guard: {refused}"
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as broken:
            outcome, error = "error", _describe(broken)
        latency = time.perf_counter() - began
        if exchange.status is not None:
            outcome, error = _class_of(exchange.status), None
        metric.ATTEMPTS.labels(outcome).inc()
        metric.ATTEMPT_SECONDS.observe(latency)
        return Attempt(
            started_at=started_at,
            latency_ms=latency * 1000,
            status=exchange.status,
            error=error,
            response=_text(exchange.read),
            retry_after=parse_retry_after(exchange.retry_after, now=self._now()),
        )


class _Exchange:
    """The answer as far as it came, so that a deadline does not lose what was known."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.retry_after: str | None = None
        self.read = bytearray()

    async def run(
        self,
        client: httpx.AsyncClient,
        url: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
    ) -> None:
        request = client.build_request("POST", url, headers=list(headers), content=body)
        response = await client.send(request, stream=True, follow_redirects=False)
        try:
            self.status = response.status_code
            self.retry_after = response.headers.get("retry-after")
            # Raw: a small compressed answer may unpack to gigabytes.
            async for chunk in response.aiter_raw():
                self.read += chunk[: MAX_READ - len(self.read)]
                if len(self.read) >= MAX_READ:
                    break
        finally:
            await response.aclose()


def _class_of(status: int) -> str:
    return f"{status // 100}xx" if 200 <= status < 600 else "other"


def _describe(error: Exception) -> str:
    # Texts of protocol errors may quote what was sent or answered; the class says enough of those.
    name = type(error).__name__
    if isinstance(error, httpx.ConnectError | httpx.ReadError | httpx.WriteError):
        return f"{name}: {str(error)[:200]}" if str(error) else name
    return name


def _text(read: bytearray) -> str | None:
    # PostgreSQL's text holds no NUL.
    return bytes(read[:KEPT]).decode(errors="replace").replace("\0", "\ufffd") if read else None
