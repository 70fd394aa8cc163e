"""Reads a corpus of messages: TSV (`label<tab>text`), CSV with a header, or JSON lines.

Guarantees: every message that the file holds is read, or `CorpusError` names the line and the
reason; which columns are taken is said (`taken`).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple


class CorpusError(Exception):
    """The file is not a corpus; the message names the line and the reason."""


TEXTS = ("text", "message", "body", "content", "comment", "post", "tweet")
LABELS = ("label", "class", "category", "target")
"""What columns are called, in the order of preference; capitals do not matter."""


class CorpusMessage(NamedTuple):
    """One message; `label` is what the corpus says of it (`ham`, `spam`), or empty."""

    text: str
    label: str


def default_corpus() -> Path:
    """The small corpus that comes with the product."""
    return Path(str(resources.files("coop_local.demo").joinpath("corpus.tsv")))


def read(path: Path) -> list[CorpusMessage]:
    """All messages of the file, in its order. Raises CorpusError."""
    readers = {".tsv": _tsv, ".txt": _tsv, ".csv": _csv, ".jsonl": _jsonl, ".ndjson": _jsonl}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise CorpusError(f"{path.name}: the name must end in {', '.join(readers)}")
    try:
        messages = list(reader(path))
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path.name}: not UTF-8 at byte {error.start}") from error
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}") from error
    if not messages:
        raise CorpusError(f"{path.name}: holds no message")
    return messages


def _tsv(path: Path) -> Iterator[CorpusMessage]:
    with path.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            label, tab, text = line.rstrip("\r\n").partition("\t")
            if not tab:
                raise CorpusError(f"{path.name}: line {number} has no tab between label and text")
            yield CorpusMessage(text=text, label=label)


def taken(path: Path) -> str:
    """One sentence: which columns of the file are taken for what. Raises CorpusError."""
    if path.suffix.lower() in (".tsv", ".txt"):
        return f"{path.name}: each line is a label, a tab, and the text."
    if path.suffix.lower() != ".csv":
        return f"{path.name}: of each object the members text and label."
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            header = csv.DictReader(lines).fieldnames or ()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path.name}: {error}") from error
    text, label = _columns(path, header)
    others = [name for name in header if name not in (text, label)]
    said = f"{path.name}: the text is the column {text}"
    said += f", the label {label}" if label else ", and no column is a label"
    return said + (f"; not used: {', '.join(others)}." if others else ".")


def _columns(path: Path, header: Sequence[str]) -> tuple[str, str | None]:
    """The names, as the file spells them, of the columns of text and label."""
    named = {name.strip().lower(): name for name in header}
    text = next((named[name] for name in TEXTS if name in named), None)
    if text is None:
        found = ", ".join(header) or "nothing"
        raise CorpusError(
            f"{path.name}: the header needs a column for the text, named {', '.join(TEXTS)}; "
            f"it has {found}"
        )
    return text, next((named[name] for name in LABELS if name in named), None)


def _csv(path: Path) -> Iterator[CorpusMessage]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        text, label = _columns(path, rows.fieldnames or ())
        for row in rows:
            yield CorpusMessage(text=row[text] or "", label=(label and row.get(label)) or "")


def _jsonl(path: Path) -> Iterator[CorpusMessage]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                found: Any = json.loads(line)
            except json.JSONDecodeError as error:
                raise CorpusError(f"{path.name}: line {number} is not JSON: {error.msg}") from error
            if not isinstance(found, dict) or not isinstance(found.get("text"), str):
                raise CorpusError(f"{path.name}: line {number} has no string named text")
            yield CorpusMessage(text=found["text"], label=str(found.get("label") or ""))
