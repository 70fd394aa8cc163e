"""The rows of banks' CSV files, and the rows of those that go out.

Guarantees: a file says how its columns are parted, or is read as commas, and what then looks like
something else is a fault, never an entry; a cell that a spreadsheet would run as a formula goes out
behind an apostrophe, which is taken off when it comes in: what was written is read back exactly.
Must not: know what an entry may be.

Recognised: a first line `sep=;` (any one of , ; and tab), a header in any case, parted by any of
the three; empty columns at the end.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_SEPARATOR = re.compile(r'"?sep=(.)"?[ ,;\t]*(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


class Row(NamedTuple):
    """One row: `line` it begins in, its cells; `quoted` if the first begins with a quote."""

    line: int
    cells: list[str]
    quoted: bool


class NotCsv(ValueError):
    """What is wrong with the file, and in which line."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


class Table(NamedTuple):
    """A file's rows. `stated`: it said how its columns are parted, by a `sep=` or a header of
    several columns."""

    delimiter: str
    stated: bool
    header: Row | None
    rows: Iterator[Row]


def table_of(text: str, is_header: Callable[[Sequence[str]], bool]) -> Table:
    """The table in a CSV file. `is_header` is asked about the cells of the first row that is not
    blank: without white space, in lower case, without empty ones at the end.

    Raises NotCsv, as does reading the rows.
    """
    named = _SEPARATOR.match(text)
    if named is not None and named[1] not in _DELIMITERS:
        raise NotCsv(1, f"columns are parted by commas, semicolons or tabs, not {named[1]!r}")
    body, before = (text[named.end() :], 1) if named is not None else (text, 0)
    delimiters = [named[1]] if named is not None else list(_DELIMITERS)
    for delimiter in delimiters:
        rows = _rows(body, delimiter, before)
        first = _first(rows)
        if first is not None and is_header(names_of(first.cells)):
            stated = named is not None or len(first.cells) > 1
            return Table(delimiter, stated, first, rows)
    return Table(delimiters[0], named is not None, None, _rows(body, delimiters[0], before))


def names_of(cells: Sequence[str]) -> list[str]:
    """The names of columns in a header."""
    names = [cell.strip().lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def _first(rows: Iterator[Row]) -> Row | None:
    try:
        return next((row for row in rows if any(cell.strip() for cell in row.cells)), None)
    except NotCsv:
        return None  # parted so it is none; the reader of the rows meets it again


def _rows(text: str, delimiter: str, before: int) -> Iterator[Row]:
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            taken.append(line)
            yield line

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    while True:
        line = before + reader.line_num + 1
        taken.clear()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise NotCsv(line, f"is no CSV: {error}") from error
        if cells is None:
            return
        quoted = bool(taken) and taken[0].startswith('"')
        yield Row(line, [_unguarded(cell) for cell in cells], quoted)


def undivided(row: Row, table: Table) -> str | None:
    """What in a row of one cell looks as if it parted columns, where the file has not said what
    does; None if nothing."""
    if table.stated or row.quoted or len(row.cells) != 1:
        return None
    return next((name for sign, name in _DELIMITERS.items() if sign in row.cells[0]), None)


def written(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file."""
    text = io.StringIO()
    # Everything that is text is quoted: spaces and line breaks of any kind stay what they are.
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_guarded(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _guarded(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
