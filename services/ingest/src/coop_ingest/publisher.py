"""Events onto the log: acknowledged within the deadline, or refused with 503.

Guarantees: `publish` returns only after the broker's acknowledgement of every event; an event
larger than the broker takes is refused before anything is sent; every event carries a trace.
Must not: try again by itself. The platform does, told by Retry-After.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from coop_contracts.event import Event
from coop_ingest import metric
from coop_ingest.refusal import Refusal, too_large, unavailable
from coop_runtime.kafka.message import Message, message_of
from coop_runtime.process.error import BrokerUnavailable

# The client itself gives a message up after the deadline; what it then reports is waited for, so
# that a message refused with 503 is not under way any more.
_GRACE: Final = 0.25
RETRY_AFTER: Final = 5


class Broker(Protocol):
    """The edge to the broker: `coop_runtime.kafka.producer.Producer`, or a fake."""

    async def publish(
        self,
        messages: Sequence[Message],
        *,
        timeout: float = 5.0,  # noqa: ASYNC109 - the runtime's signature
    ) -> None: ...


class Publisher:
    """`ack_timeout` in seconds, `max_event` in bytes as encoded."""

    def __init__(
        self,
        broker: Broker,
        *,
        ack_timeout: float,
        max_event: int,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._broker = broker
        self._now = now
        self._failed_at: float | None = None
        self._timeout = ack_timeout + _GRACE
        self._max_event = max_event

    def message(self, event: Event, key: str, traceparent: str) -> Message | None:
        """The event's message; None when it is too large for the log."""
        message = message_of(event, key=key, traceparent=traceparent)
        return message if len(message.value) <= self._max_event else None

    def too_large(self, at: str | None = None) -> Refusal:
        """The refusal of an event that `message` gave None for."""
        detail = f"It is larger than {self._max_event} bytes once read."
        return Refusal("size", [too_large(detail, at)])

    async def publish(self, messages: Sequence[Message]) -> None:
        """Send and wait. Raises Refusal (503)."""
        started = time.perf_counter()
        try:
            await self._broker.publish(messages, timeout=self._timeout)
        except BrokerUnavailable:
            self._failed_at = self._now()
            metric.UNAVAILABLE.labels("broker").inc()
            raise unavailable(
                "The event log did not acknowledge in time. Send the request again.",
                retry_after=RETRY_AFTER,
            ) from None
        self._failed_at = None
        metric.ACK_SECONDS.observe(time.perf_counter() - started)

    def ready(self) -> bool:
        """False for as long after a failure as clients are told to wait. Then traffic is let in
        again: only it can find out that the broker is back."""
        return self._failed_at is None or self._now() - self._failed_at >= RETRY_AFTER
