"""The decision log as lines: CSV (RFC 4180) or JSON Lines.

Guarantees: pure; times are ISO 8601 in UTC; no cell is a formula to a spreadsheet, not even to one
that takes semicolons for separators: what begins like a formula is preceded by an apostrophe
(OWASP, "CSV Injection").
Must not: know where the lines go.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from coop_review_api.decision_log.entry import LogEntry

Format = Literal["CSV", "JSONL"]
MEDIA: dict[Format, str] = {
    "CSV": "text/csv; charset=utf-8; header=present",
    "JSONL": "application/jsonl; charset=utf-8",
}

_COLUMNS = (
    "id",
    "kind",
    "source",
    "time",
    "actorId",
    "queueId",
    "jobId",
    "itemTypeId",
    "itemId",
    "types",
    "actionIds",
    "policyIds",
    "ruleIds",
    "executionIds",
    "reason",
    "note",
    "movedTo",
    "appealOf",
    "undoneAt",
    "state",
    "total",
    "csam",
    "takenBackBy",
)
# At the beginning, or where a cell could begin to a reader that splits elsewhere.
_FORMULA = re.compile(r"^(?=[=+\-@\t\r\n＝＋－＠])|(?<=[;\t\r\n])(?=[=+\-@＝＋－＠])")

_encoder = msgspec.json.Encoder()


def head(form: Format) -> bytes:
    """What a file begins with."""
    return _lines([_COLUMNS]) if form == "CSV" else b""


def body(form: Format, entries: Iterable[LogEntry]) -> bytes:
    """The lines of these entries."""
    if form == "CSV":
        return _lines([_cells(entry) for entry in entries])
    return b"".join(_encoder.encode(entry) + b"\n" for entry in entries)


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode()


def _cells(entry: LogEntry) -> list[str]:
    def of(name: str) -> Iterable[Any]:
        return (value for part in entry.components for value in part.get(name, ()))

    values: tuple[Any, ...] = (
        entry.id,
        entry.kind,
        entry.source,
        entry.time,
        entry.actor_id,
        entry.queue_id,
        entry.job_id,
        entry.item_type_id,
        entry.item_id,
        [part["type"] for part in entry.components if "type" in part],
        of("actionIds"),
        of("policyIds"),
        entry.rule_ids,
        [one["executionId"] for one in entry.executions],
        entry.reason,
        entry.note,
        entry.moved_to,
        entry.appeal_of,
        entry.undone_at,
        entry.state,
        entry.total,
        entry.csam,
        [one.id for one in entry.taken_back],
    )
    return [_cell(value) for value in values]


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case str():
            return _harmless(value)
    return _harmless(" ".join(dict.fromkeys(str(one) for one in value)))


def _harmless(value: str) -> str:
    return _FORMULA.sub("'", value)
