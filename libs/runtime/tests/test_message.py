"""The message of an event, and the trace of a batch."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from coop_contracts.event import ActionDelivered, ItemRef, encode
from coop_runtime.kafka.batch_span import LINKS, batch_span
from coop_runtime.kafka.message import Headers, Received, message_of
from coop_runtime.process import telemetry

EVENT = ActionDelivered(
    event_id="e1",
    org_id="o",
    time=datetime(2026, 1, 1, tzinfo=UTC),
    correlation_id="c",
    execution_id="x",
    action_id="a",
    item=ItemRef("i", "t"),
    state="DEAD",
    attempts=1,
)


def parent(number: int) -> str:
    return f"00-{number:032x}-{number:016x}-01"


def received(number: int) -> Received[ActionDelivered]:
    headers = {"traceparent": parent(number).encode()}
    return Received(EVENT, b"k", ActionDelivered.topic, 0, number, headers, -1)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What is traced in this test."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_provider", provider)
    return exporter


def test_headers_are_those_with_a_value() -> None:
    """Of two of one name the last counts, also where it has none; what is missing is missing."""
    headers = Headers([("a", b"1"), ("b", b"2"), ("a", b"3"), ("b", None), ("c", None)])
    assert dict(headers) == {"a": b"3"}
    assert len(headers) == 1
    assert headers.get("b") is None
    assert "c" not in headers
    assert dict(Headers([])) == {}


def test_a_message_carries_its_headers() -> None:
    """Id, type, version and trace travel in headers, so that tools need not read the value."""
    message = message_of(EVENT, key="o/t/i", traceparent=parent(7))
    assert message.topic == ActionDelivered.topic
    assert message.key == b"o/t/i"
    assert message.value == encode(EVENT)
    assert dict(message.headers) == {
        "event-id": b"e1",
        "event-type": b"action-delivered",
        "schema-version": b"1",
        "traceparent": parent(7).encode(),
    }


def test_a_message_continues_the_current_trace(spans: InMemorySpanExporter) -> None:
    """Without a traceparent of its own a message carries the current span's."""
    with batch_span([received(5)], group="g"):
        message = message_of(EVENT, key="k")
    (span,) = spans.get_finished_spans()
    context = telemetry.parse(dict(message.headers)["traceparent"])
    assert context is not None
    assert (context.trace_id, context.span_id) == (5, span.context.span_id)


def test_a_batch_of_one_continues_its_trace(spans: InMemorySpanExporter) -> None:
    """The span of a single record is the child of its producer's."""
    with batch_span([received(5)], group="g"):
        pass
    (span,) = spans.get_finished_spans()
    assert span.parent is not None
    assert (span.parent.trace_id, span.parent.span_id) == (5, 5)
    assert span.kind is trace.SpanKind.CONSUMER


def test_a_batch_links_to_its_first_traces(spans: InMemorySpanExporter) -> None:
    """A larger batch has one span of its own trace, with bounded links to the records'."""
    with batch_span([received(n) for n in range(1, 40)], group="g"):
        pass
    (span,) = spans.get_finished_spans()
    assert span.parent is None
    assert [link.context.trace_id for link in span.links] == list(range(1, LINKS + 1))
