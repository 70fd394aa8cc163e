"""Traces: W3C Trace Context through HTTP and message headers, exported by OTLP where asked to.

Guarantees: a trace context always exists to be passed on, also when nothing is exported; without an
exporter a span costs no more than its ids. Sampling follows the parent, else the ratio.
Must not: put content or secrets into span attributes.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

TRACEPARENT = "traceparent"

# https://www.w3.org/TR/trace-context/#traceparent-header; version ff is invalid, later versions
# may carry more after the flags.
_PATTERN = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?"
)
_SAMPLED = 1

AnyHeaders = Mapping[str, bytes | str] | Sequence[tuple[str | bytes, bytes | str]]

_provider: TracerProvider | None = None
_ratio_bound = 0


def configure(service: str, *, endpoint: str | None, ratio: float) -> None:
    """Sets up the process's tracer; `endpoint` is an OTLP/HTTP base URL, None to export nothing."""
    global _provider, _ratio_bound  # noqa: PLW0603 - OpenTelemetry itself is one per process
    shutdown()
    if endpoint is None:
        _provider = TracerProvider(sampler=ALWAYS_OFF, resource=Resource({"service.name": service}))
        return
    # Imported here: requests and protobuf cost 15 MB that a service without an exporter saves.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    sampler = TraceIdRatioBased(ratio)
    _ratio_bound = sampler.bound
    _provider = TracerProvider(
        sampler=ParentBased(sampler), resource=Resource.create({"service.name": service})
    )
    exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces", timeout=5)
    _provider.add_span_processor(
        BatchSpanProcessor(exporter, max_queue_size=4096, export_timeout_millis=5000)
    )


def shutdown() -> None:
    """Sends what is left to the exporter and stops it. Blocks for up to the exporter's deadline."""
    global _provider, _ratio_bound  # noqa: PLW0603
    if _provider is not None:
        _provider.shutdown()
    _provider = None
    _ratio_bound = 0


def tracer(name: str) -> Tracer:
    """The tracer of a module. Call it after `configure`, or each time: it is cheap."""
    if _provider is None:
        return trace.NoOpTracerProvider().get_tracer(name)
    return _provider.get_tracer(name)


def exporting() -> bool:
    """True when sampled spans go to a collector."""
    return _ratio_bound > 0


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def parse(traceparent: bytes | str | None) -> SpanContext | None:
    """The span context of a `traceparent` header, or None when there is none or it is malformed."""
    if traceparent is None:
        return None
    match = _PATTERN.fullmatch(_text(traceparent))
    if match is None:
        return None
    return SpanContext(
        trace_id=int(match[1], 16),
        span_id=int(match[2], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(match[3], 16) & _SAMPLED),
    )


def format_traceparent(trace_id: int, span_id: int, flags: int) -> str:
    """`00-<32 hex>-<16 hex>-<2 hex>`."""
    return f"00-{trace_id:032x}-{span_id:016x}-{flags:02x}"


def _new_id(bits: int) -> int:
    # Not secret: `random` is ten times cheaper than `secrets`. Zero means "no id".
    return random.getrandbits(bits) or 1


def traceparent_for_request(incoming: bytes | str | None = None) -> str:
    """The traceparent to pass on from a hot path that makes no span of its own.

    Continues a valid incoming trace under a new span id and keeps its sampling flag; otherwise
    begins a trace, sampled by the ratio when spans are exported. Microseconds, no SDK.
    """
    parent = parse(incoming)
    if parent is not None:
        return format_traceparent(parent.trace_id, _new_id(64), parent.trace_flags)
    trace_id = _new_id(128)
    sampled = (trace_id & TraceIdRatioBased.TRACE_ID_LIMIT) < _ratio_bound
    return format_traceparent(trace_id, _new_id(64), _SAMPLED if sampled else 0)


def is_sampled(traceparent: bytes | str) -> bool:
    """True when the trace is recorded, so that a span of one's own is worth making."""
    context = parse(traceparent)
    return context is not None and bool(context.trace_flags & _SAMPLED)


def current_traceparent() -> str:
    """The current span's traceparent; a new trace's where there is none."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        return format_traceparent(context.trace_id, context.span_id, context.trace_flags)
    return traceparent_for_request()


def _find(headers: AnyHeaders) -> bytes | str | None:
    if isinstance(headers, Mapping):
        return headers.get(TRACEPARENT)
    for name, value in headers:
        if _text(name).lower() == TRACEPARENT:
            return value
    return None


def context_of(headers: AnyHeaders) -> Context:
    """The context that headers carry, on top of the current one; the current one if they do not."""
    parent = parse(_find(headers))
    current = otel_context.get_current()
    return current if parent is None else set_span_in_context(NonRecordingSpan(parent), current)


@contextmanager
def attached(headers: AnyHeaders) -> Iterator[None]:
    """Within the block the trace in `headers` (a mapping, or pairs) is the current one."""
    token = otel_context.attach(context_of(headers))
    try:
        yield
    finally:
        otel_context.detach(token)


extract = attached
