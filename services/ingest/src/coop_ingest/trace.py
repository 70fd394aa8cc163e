"""The span of a request, where somebody collects spans.

Guarantees: it continues the caller's trace where a `traceparent` came. Without a collector no span
is made (`gate` then passes on a traceparent only).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import SpanKind

from coop_runtime.process import telemetry


@contextmanager
def request_span(incoming: bytes | None, route: str) -> Iterator[str]:
    """The traceparent to pass on, for the time of the request."""
    carrier = {} if incoming is None else {telemetry.TRACEPARENT: incoming}
    with telemetry.tracer(__name__).start_as_current_span(
        f"POST {route}", context=telemetry.context_of(carrier), kind=SpanKind.SERVER
    ):
        yield telemetry.current_traceparent()
