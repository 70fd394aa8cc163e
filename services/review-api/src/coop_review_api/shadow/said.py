"""What Coop said, read out of files: those of the receiver, and exports of Coop's analytics.

    a line has `kind`                         ─▶ the receiver's: webhooks, and when it was there
    … `event` or `submission_id`, no rule     ─▶ CONTENT_API_REQUESTS: what Coop saw
    … `rule_id` and `passed`                  ─▶ RULE_EXECUTIONS: every verdict, with what it saw
    … `action_id`                             ─▶ ACTION_EXECUTIONS: what rules did

Guarantees: a row at a time; JSON lines and CSV with a head, names in any case; rows of another
organisation are passed over; a row that cannot be read stops the report with file and line.
Must not: keep anything of an item but its id.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from coop_review_api.shadow.logbook import Listening, LogbookError, read

_LONGEST: Final = 64 * 1024 * 1024  # characters of a line: an item may be large
_TRUE: Final = frozenset({"true", "1", "t"})
_FALSE: Final = frozenset({"false", "0", "f", ""})
_NO_ROWS: Final = (None, "", "null", "\\N")


class SaidError(Exception):
    """A file that cannot be read: a sentence with the place."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Coop saw the item."""

    type_id: str
    item_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule passed on the item, or did not. `version` is the rule's."""

    type_id: str
    item_id: str
    at: datetime
    rule_id: str
    passed: bool
    version: datetime | None = None


@dataclass(frozen=True, slots=True)
class Acted:
    """An action was done to the item because of these rules; by none of them: by a person, a
    threshold or the platform."""

    type_id: str
    item_id: str
    at: datetime
    action_id: str
    rule_ids: tuple[str, ...]


Said = Seen | Judged | Acted | Listening


def said(path: Path, org_id: str) -> Iterator[Said]:
    """Everything that a file says of the organisation. Raises `SaidError`."""
    try:
        if _is_of_receiver(path):
            yield from _heard(path)
            return
        for number, row in _rows(path):
            try:
                yield from _of(row, org_id)
            except (KeyError, ValueError, TypeError, RecursionError) as error:
                said = f"no {error}" if isinstance(error, KeyError) else str(error)
                raise SaidError(f"{path}:{number}: {said}") from None
    except (OSError, UnicodeDecodeError, csv.Error, LogbookError) as error:
        raise SaidError(f"{path}: {error}") from None


def _is_of_receiver(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.readline(4096).replace(b" ", b"")
    return head.startswith((b'{"kind":"presence"', b'{"kind":"webhook"'))


def _heard(path: Path) -> Iterator[Said]:
    for line in read(path):
        if isinstance(line, Listening):
            yield line
            continue
        yield Acted(line.item_type_id, line.item_id, line.at, line.action_id, line.rule_ids)
        yield Listening(at=line.at, what="alive")  # who writes is there


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        start = file.read(1)
        file.seek(0)
        if start != "{":
            reader = csv.DictReader(file)
            for row in reader:
                yield reader.line_num, {(name or "").lower(): row[name] for name in row}
            return
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST), ""), start=1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                raise SaidError(f"{path}:{number}: is no JSON") from None
            if not isinstance(found, dict):
                raise SaidError(f"{path}:{number}: is no JSON object")
            yield number, {name.lower(): value for name, value in found.items()}


def _of(row: Mapping[str, Any], org_id: str) -> Iterator[Said]:
    if row.get("org_id") not in (None, org_id):
        return
    place = _text(row, "item_type_id"), _text(row, "item_id"), _time(row["ts"])
    if "rule_id" in row:
        version = row.get("rule_version")
        yield Judged(
            *place,
            rule_id=_text(row, "rule_id"),
            passed=_flag(row["passed"]),
            version=None if version in _NO_ROWS else _time(version),
        )
    elif "action_id" in row:
        yield Acted(*place, action_id=_text(row, "action_id"), rule_ids=_rules(row.get("rules")))
    elif row.get("event", "REQUEST_SUCCEEDED") == "REQUEST_SUCCEEDED":
        yield Seen(*place)


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row[name]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is no text")
    value.encode()  # half a character is none
    return value


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"passed is {text[:20]}")


def _time(value: Any) -> datetime:
    """ISO 8601, or as ClickHouse writes it; without a zone it is UTC."""
    if not isinstance(value, str):
        raise ValueError("a time is no text")  # noqa: TRY004 - a row that cannot be read
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _rules(value: Any) -> tuple[str, ...]:
    """Ids: of a list of texts or of objects, or of such a list as JSON in a text."""
    if value in _NO_ROWS:
        return ()
    found = json.loads(value) if isinstance(value, str) else value
    if not isinstance(found, list):
        raise ValueError("rules are no list")  # noqa: TRY004 - a row that cannot be read
    ids = [one["id"] if isinstance(one, dict) else one for one in found]
    if not all(isinstance(one, str) for one in ids):
        raise ValueError("rules have no ids")
    return tuple(dict.fromkeys(ids))
