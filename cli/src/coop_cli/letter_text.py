"""Dead letters for people and for programs.

The JSON form of a letter, one object a line: `offset, time, reason, errorType, error, traceback,
topic, partition, originalOffset, timestamp, group, service, key, value, headers, replayed`. Times
are UTC. `value` is the JSON itself where it is JSON, else text; bytes that are no UTF-8 are
`{"base64": …}`.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec

from coop_cli.printable import printable
from coop_runtime.kafka.dead_letter import HEADER_PREFIX
from coop_runtime.kafka.record import Record


def as_json(letter: Record, *, replayed: bool) -> dict[str, Any]:
    """The letter as a JSON object."""
    told = {
        name.removeprefix(HEADER_PREFIX): (value or b"").decode(errors="replace")
        for name, value in letter.headers
        if name.startswith(HEADER_PREFIX)
    }
    return {
        "offset": letter.offset,
        "time": _time(told.get("time")),
        "reason": told.get("reason", "unknown"),
        "errorType": told.get("error-type"),
        "error": told.get("error"),
        "topic": told.get("topic"),
        "partition": _number(told.get("partition")),
        "originalOffset": _number(told.get("offset")),
        "timestamp": _time(told.get("timestamp")),
        "group": told.get("group"),
        "service": told.get("service"),
        "replayed": replayed,
        "key": _text(letter.key),
        "headers": {
            name: _text(value)
            for name, value in letter.headers
            if not name.startswith(HEADER_PREFIX)
        },
        "value": _value(letter.value),
        "traceback": told.get("traceback"),
    }


def as_text(letter: Record, *, replayed: bool) -> str:
    """The letter as a paragraph, its traceback last."""
    told = as_json(letter, replayed=replayed)
    mark = ", replayed" if replayed else ""
    lines = [
        f"── offset {told['offset']}: {told['reason']} at {told['time']}{mark}",
        f"   {told['errorType']}: {told['error']}",
        f"   from {told['topic']}, partition {told['partition']}, offset {told['originalOffset']}"
        f", written {told['timestamp']}",
        f"   by {told['service']} in group {told['group']}",
        f"   key      {_shown(told['key'])}",
    ]
    lines += [f"   {name}: {_shown(value)}" for name, value in told["headers"].items()]
    lines.append(f"   value    {_shown(told['value'])}")
    if told["traceback"]:
        lines += [f"   | {line}" for line in told["traceback"].splitlines()]
    return "\n".join(printable(line) for line in lines)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _text(raw: bytes | None) -> Any:
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def _value(raw: bytes | None) -> Any:
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _text(raw)


def _number(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def _time(milliseconds: str | None) -> str | None:
    number = _number(milliseconds)
    if number is None or number < 0:
        return None
    try:
        return datetime.fromtimestamp(number / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError):
        return None
