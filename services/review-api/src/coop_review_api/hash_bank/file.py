"""A file of hashes: CSV, a row each.

    hash[,note]            64 hexadecimal digits are PDQ, 32 are MD5
    algorithm,hash[,note]  `pdq` or `md5` first
    hash,note              a first row of names is skipped

Guarantees: a file with a fault gives no hash at all, and each fault (the first hundred) is named by
its line; a million rows take little more than their bytes.
Must not: know banks, or what is there already: adding is adding once.
"""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Iterator
from typing import Final, NamedTuple

from coop_contracts.hash_bank import HashAlgorithm, NewHash

MAX_ROWS: Final = 1_000_000
_MAX_FAULTS: Final = 100
_NOTE: Final = 255
_LENGTHS: Final[dict[int, HashAlgorithm]] = {64: "pdq", 32: "md5"}
_NAMES: Final = frozenset({"hash", "algorithm", "note", "pdq", "md5", "type", "value", "signal"})
_DIGITS: Final = frozenset("0123456789abcdef")


class RowFault(NamedTuple):
    """What is wrong with a line."""

    line: int
    reason: str


class HashFile:
    """What a file says. `faulty`: lines, of which `faults` are the first."""

    def __init__(self) -> None:
        self.rows = 0
        self.faulty = 0
        self.faults: list[RowFault] = []
        self._pdq, self._md5 = bytearray(), bytearray()
        # A note is a number a row, and its words once: most rows have the same few.
        self._words = {"": 0}
        self._notes: dict[HashAlgorithm, array[int]] = {"pdq": array("I"), "md5": array("I")}

    def add(self, algorithm: HashAlgorithm, digits: str, note: str) -> None:
        """A row's hash."""
        packed = self._pdq if algorithm == "pdq" else self._md5
        packed += bytes.fromhex(digits)
        self._notes[algorithm].append(self._words.setdefault(note, len(self._words)))

    def refuse(self, line: int, reason: str) -> None:
        """A line is none."""
        self.faulty += 1
        if len(self.faults) < _MAX_FAULTS:
            self.faults.append(RowFault(line, reason))

    def __len__(self) -> int:
        return len(self._pdq) // 32 + len(self._md5) // 16

    def hashes(self) -> Iterator[NewHash]:
        """All of them."""
        of: tuple[tuple[HashAlgorithm, bytearray, int], ...] = (
            ("pdq", self._pdq, 32),
            ("md5", self._md5, 16),
        )
        words = list(self._words)
        for algorithm, packed, size in of:
            for number, note in enumerate(self._notes[algorithm]):
                digits = packed[number * size : (number + 1) * size].hex()
                yield NewHash(algorithm=algorithm, hash=digits, note=words[note])


def read(raw: bytes) -> HashFile:
    """What a file says."""
    found = HashFile()
    # Line by line: a text of so many would take several times their bytes.
    reader = csv.reader((line.decode("utf-8-sig") for line in io.BytesIO(raw)), strict=True)
    try:
        for row in reader:
            names = {cell.strip().lower() for cell in row}
            if not names - {""} or (reader.line_num == 1 and names <= _NAMES):
                continue
            found.rows += 1
            if found.rows > MAX_ROWS:
                found.refuse(reader.line_num, f"over {MAX_ROWS} rows")
                break
            reason = _take(row, found)
            if reason is not None:
                found.refuse(reader.line_num, reason)
    except UnicodeDecodeError:
        found.refuse(reader.line_num + 1, "it is not UTF-8")
    except csv.Error as error:
        found.refuse(reader.line_num, f"it is not CSV: {error}")
    return found


def new_hash(digits: str, note: str) -> NewHash:
    """One that was written down, by its length."""
    return NewHash(algorithm=_LENGTHS[len(digits)], hash=digits.lower(), note=note)


def _take(row: list[str], found: HashFile) -> str | None:
    """Why it is none, if so."""
    first = row[0].strip().lower()
    named = first if first in _LENGTHS.values() else None
    if named is not None:
        row = row[1:]
    if not row or len(row) > 2:
        return "write algorithm,hash,note or hash,note"
    digits, note = row[0].strip().lower(), row[1].strip() if len(row) == 2 else ""
    if len(digits) not in _LENGTHS or not _DIGITS.issuperset(digits):
        return "a hash has 64 (PDQ) or 32 (MD5) hexadecimal digits"
    if named is not None and _LENGTHS[len(digits)] != named:
        return f"not the length of {named}"
    if len(note) > _NOTE or "\0" in note:
        return f"a note has at most {_NOTE} characters"
    found.add(_LENGTHS[len(digits)], digits, note)
    return None
