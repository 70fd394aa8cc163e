"""Many keywords, or regexes, looked for at once by Vectorscan: for texts of ASCII, in a fraction of
the time that Aho-Corasick and RE2 take, at a price of seconds to build.

Guarantees: what is found is what the others find. Keywords of ASCII are looked for byte by byte,
and a keyword that is not ASCII is in no such text. Of regexes it takes those that mean the same to
both (`plain`), the others are left to RE2; nothing here goes back in a text, as RE2 does not.
Must not: take a text that is not ASCII (there the two fold letters differently), or build anything
that a text waits for.

Building lets other threads run; a search lets go of the interpreter too. Why: decision record 0078.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

import hyperscan

from coop_rules.matching.dialect import SPACES_BEYOND_ASCII

_AT_ONCE = 500  # regexes of one database: what a mistake about one of them costs to build again

# What both read alike. After each piece only one other can follow, so that this goes through a
# pattern once. `$` is left out (before a last new line, too, is the end there), so is all else that
# has another meaning or none.
_PLACE = r"(?:\\[bB]|\^)(?![*+?{])"
_CODE = r"\\x\{[0-7]?[0-9a-f]\}"
_SIGN = r"\\[!-/:-@\[-`{-~]"
_RANGE = rf"\\t-\\r|(?:!|{_CODE})-{_CODE}"  # as `dialect` writes them
_IN_CLASS = rf"(?:{_RANGE}|[ !-,./0-Z^-~]|-(?!\\)|\\[dw](?!-[^\]])|{_SIGN}|{_CODE})"
_PLAIN = re.compile(
    rf"(?:[ !-#%-',-/0->@-Z_-z~]|{_PLACE}|\\[dDwW]|{_SIGN}|{_CODE}|\[\^?{_IN_CLASS}+\]"
    r"|\((?!\?)|\(\?:|[)*+?.|]|\{\d+(?:,\d*)?\})*"
)


def plain(pattern: str) -> str | None:
    """A regex of RE2's, one that it takes, as Vectorscan takes it for texts of ASCII; None where it
    may mean something else."""
    for beyond, within in SPACES_BEYOND_ASCII:
        pattern = pattern.replace(beyond, within)
    return pattern if _PLAIN.fullmatch(pattern) else None


class Watch:
    """A segment that may have a database once texts have passed it so often that it pays."""

    __slots__ = ("_ask", "_texts")

    def __init__(self) -> None:
        self._texts = 0
        self._ask: Callable[[Any], None] | None = None

    def watch(self, texts: int, ask: Callable[[Any], None]) -> None:
        """Calls `ask` with this segment, once, when so many texts have passed it."""
        self._ask = ask
        self._texts = texts

    def pass_one(self) -> None:
        """Counts a text."""
        left = self._texts - 1
        self._texts = left
        if left == 0 and self._ask is not None:
            self._ask(self)


class _Database:
    """One of Vectorscan's. Safe to use from many threads: each has its own room to work in."""

    __slots__ = ("_database", "_local")

    def __init__(self, patterns: Sequence[str], ids: Sequence[int], flags: int, *, literal: bool):
        self._database: Any = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(
            expressions=[pattern.encode("ascii") for pattern in patterns],
            ids=list(ids),
            flags=flags,
            literal=literal,
        )
        self._local = threading.local()

    def scan(self, raw: bytes, found: Callable[[int, int, int, int, object], None]) -> None:
        try:
            room = self._local.room
        except AttributeError:
            room = self._local.room = hyperscan.Scratch(self._database)
        self._database.scan(raw, match_event_handler=found, scratch=room)


class KeywordDatabase:
    """Normal keywords, case and all; those beyond ASCII are left out."""

    __slots__ = ("_database", "_lengths")

    def __init__(self, database: _Database, lengths: Sequence[int]) -> None:
        self._database = database
        self._lengths = lengths

    @classmethod
    def of(cls, strings: Sequence[str]) -> KeywordDatabase | None:
        """None where there is nothing to build, or Vectorscan does not take them."""
        taken = [i for i, one in enumerate(strings) if one.isascii() and "\0" not in one]
        if not taken or any("\0" in one for one in strings):  # a NUL ends what it is given
            return None
        try:
            database = _Database([strings[i] for i in taken], taken, 0, literal=True)
        except hyperscan.error:
            return None
        return cls(database, [len(one) for one in strings])

    def find(self, text: str) -> list[tuple[int, int, int]]:
        """Every occurrence in a text of ASCII: index, start, end; by its end, the longest first."""
        ends: list[tuple[int, int, int]] = []
        lengths = self._lengths

        def found(index: int, _from: int, end: int, _flags: int, _context: object) -> None:
            ends.append((end, -lengths[index], index))

        self._database.scan(text.encode("ascii"), found)
        if len(ends) > 1:
            ends.sort()
        return [(index, end + minus, end) for end, minus, index in ends]


class RegexDatabases:
    """Regexes that `plain` gave, each with its index."""

    __slots__ = ("_databases", "left")

    def __init__(self, patterns: Sequence[tuple[int, str]]) -> None:
        """`left`: the indexes of those that Vectorscan did not take after all."""
        self._databases: list[_Database] = []
        self.left: list[int] = []
        for at in range(0, len(patterns), _AT_ONCE):
            self._add(patterns[at : at + _AT_ONCE])

    def _add(self, patterns: Sequence[tuple[int, str]]) -> None:
        flags = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH
        try:
            ids, texts = zip(*patterns, strict=True)
            made = _Database(texts, ids, flags, literal=False)
        except hyperscan.error:
            if len(patterns) == 1:
                self.left.append(patterns[0][0])
                return
            middle = len(patterns) // 2
            self._add(patterns[:middle])
            self._add(patterns[middle:])
        else:
            self._databases.append(made)

    def find(self, raw: bytes) -> list[int]:
        """The indexes of all that match a text of ASCII."""
        hits: list[int] = []

        def found(index: int, _from: int, _to: int, _flags: int, _context: object) -> None:
            hits.append(index)

        for database in self._databases:
            database.scan(raw, found)
        return hits
