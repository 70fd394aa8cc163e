"""The trace of a batch.

A batch of one continues its record's trace. A larger one begins a span of its own with links to the
first ten: a span per record would cost more than handling it on a hot topic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry.trace import Link, SpanKind

from coop_runtime.kafka.message import Received
from coop_runtime.process import telemetry

LINKS = 10


@contextmanager
def batch_span(events: Sequence[Received[Any]], *, group: str) -> Iterator[None]:
    """Within the block the batch's span is the current one."""
    first = events[0]
    links = []
    if len(events) > 1:
        parents = (telemetry.parse(e.headers.get(telemetry.TRACEPARENT)) for e in events[:LINKS])
        links = [Link(parent) for parent in parents if parent is not None]
        context = None
    else:
        context = telemetry.context_of(first.headers)
    with telemetry.tracer(__name__).start_as_current_span(
        f"process {first.topic}",
        context=context,
        kind=SpanKind.CONSUMER,
        links=links,
        attributes={
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.destination.name": first.topic,
            "messaging.consumer.group.name": group,
            "messaging.batch.message_count": len(events),
        },
        record_exception=False,
    ):
        yield
