"""Structured logs: one JSON object a line on stdout, the same for our code and for libraries.

Guarantees: each line has `time` (ISO 8601, UTC), `level`, `service`, `logger`, `event`, the current
`trace_id` and `span_id` where there is a trace, and `exception` where there is one; the value of a
key that smells of a secret never gets out; a log line that cannot be written is counted, and never
breaks what it reports on.
Must not: be configured at import (`Service.run` does), or carry content of items.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, cast

import msgspec
import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

from coop_runtime.process.metric import LOG_LINES_LOST

REDACTED = "[redacted]"
_SECRET_WORDS = (
    "password",
    "passwd",
    "secret",
    "token",
    "authorization",
    "cookie",
    "api_key",
    "apikey",
    "private_key",
    "credential",
)
_MAX_DEPTH = 6

_encoder = msgspec.json.Encoder(enc_hook=repr)
_secret_keys: dict[str, bool] = {}


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger of that name; safe to make at import, used after `configure`."""
    return cast(structlog.stdlib.BoundLogger, structlog.get_logger(name))


def configure(
    service: str, *, level: str = "INFO", form: Literal["json", "console"] = "json"
) -> None:
    """Sets up structlog and the standard library's logging to write to stdout, for this process."""
    number = logging.getLevelNamesMapping()[level]
    shared: list[Processor] = [
        _add_logger_name,
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _service_adder(service),
        add_trace,
        structlog.processors.format_exc_info,
        redact,
    ]
    render: list[Processor] = (
        [_render_json]
        if form == "json"
        else [structlog.dev.ConsoleRenderer(colors=False, timestamp_key="time")]
    )
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_StdoutFactory(),
        cache_logger_on_first_use=False,
    )
    _route_standard_logging(number, shared, render)


def _route_standard_logging(number: int, shared: list[Processor], render: list[Processor]) -> None:
    handler = _StdoutHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    logging.captureWarnings(True)
    # Libraries whose INFO is our DEBUG: a line per request or per connection is no log of ours.
    for name in ("uvicorn.error", "httpx", "httpcore", "alembic", "opentelemetry", "asyncio"):
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    logging.getLogger("alembic.runtime.migration").setLevel(number)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers = []
        library.propagate = True


def add_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Adds the ids of the current span, in hex, where there is one."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
    return event


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replaces the value of each key that smells of a secret, at any depth."""
    return cast(EventDict, _redacted(event, 0))


def _redacted(value: Any, depth: int) -> Any:
    if isinstance(value, MutableMapping):
        if depth >= _MAX_DEPTH:
            return "[too deep]"
        return {
            str(key): REDACTED if _is_secret(key) else _redacted(inner, depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        if depth >= _MAX_DEPTH:
            return "[too deep]"
        # Headers come as pairs: ("Authorization", "…").
        if len(value) == 2 and isinstance(value[0], str | bytes) and _is_secret(value[0]):
            return [value[0], REDACTED]
        return [_redacted(inner, depth + 1) for inner in value]
    return value


def _is_secret(key: object) -> bool:
    name = key.decode("latin-1") if isinstance(key, bytes) else str(key)
    known = _secret_keys.get(name)
    if known is None:
        plain = name.lower().replace("-", "_")
        known = any(word in plain for word in _SECRET_WORDS)
        if len(_secret_keys) < 10_000:  # keys can come from outside: the memory of them is bounded
            _secret_keys[name] = known
    return known


def _service_adder(service: str) -> Processor:
    def add_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return add_service


def _add_logger_name(wrapped: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    record = event.get("_record")
    event["logger"] = record.name if record is not None else wrapped.name
    return event


def _render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    try:
        return _encoder.encode(event).decode()
    except (UnicodeEncodeError, TypeError, OverflowError, ValueError):
        # Rare: text with surrogates, integers of over 64 bits. Slower, and takes everything.
        return json.dumps(event, default=repr, skipkeys=True)


def _write(line: str) -> None:
    # sys.stdout is looked up each time: whoever replaces it (a test, a supervisor) gets the line.
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        LOG_LINES_LOST.inc()


class _Stdout:
    """What structlog calls with the rendered line."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        _write(line)

    debug = info = warning = warn = error = critical = exception = fatal = log = msg


class _StdoutFactory:
    def __call__(self, *names: str) -> _Stdout:
        return _Stdout(*names)


class _StdoutHandler(logging.Handler):
    """The standard library's records on the same way out."""

    def emit(self, record: logging.LogRecord) -> None:
        _write(self.format(record))
