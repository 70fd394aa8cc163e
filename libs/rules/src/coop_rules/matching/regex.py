"""Regexes by RE2, which never goes back: the time a text takes does not depend on how a pattern was
made.

Guarantees: all patterns that match are found; running out of the matcher's memory is found when it
is built, never mistaken for "no match".
Must not: use `re` on a pattern of a user, or hold the interpreter for long while it builds
(`SEGMENT_PATTERNS`; RE2 compiles a filter without letting other threads run).

Flag i. Coop's rules were written for JavaScript: what its regexes mean is `dialect`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import re2 as _re2

from coop_rules.matching.dialect import translate
from coop_rules.matching.vectorscan import RegexDatabases, Watch, plain

re2: Any = _re2  # the package has no types

SEGMENT_PATTERNS = 1500  # of one filter, whose atoms share a fixed 8 MiB
SEGMENT_CHARACTERS = 90_000
_MEMORY = 4 << 20  # bytes RE2 may use for one pattern's program and automata
# RE2's instructions. On the worst texts each takes time at every character, up to 10 µs in all.
_MAX_PROGRAM = 10_000
_SMALL_PROGRAM = 200
_PROBE = "coop\x01probe\x01of\x01memory"


def options() -> Any:
    """How every pattern is compiled."""
    made = re2.Options()
    made.case_sensitive = False
    made.max_mem = _MEMORY
    made.log_errors = False
    return made


@lru_cache(maxsize=20_000)
def regex_problem(pattern: str) -> str | None:
    """Why a pattern is refused, with the place where RE2 names one; None if it is good."""
    made = translate(pattern)
    if made.problem is not None:
        return made.problem
    try:
        size = re2.compile(made.pattern, options()).programsize
        if size > _MAX_PROGRAM and made.narrow != made.pattern:
            # White space of all scripts is no fault of the author's; it costs four times as much.
            size = re2.compile(made.narrow, options()).programsize
    except re2.error as error:
        message = error.args[0]
        reason = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
        _, _, piece = reason.partition(": ")
        at = pattern.find(piece) if piece else -1
        return f"{reason} (at character {at + 1})" if at >= 0 else reason
    except UnicodeEncodeError:
        return "holds half of a surrogate pair"
    if size > _MAX_PROGRAM:
        reason = f"is too large ({size} steps, at most {_MAX_PROGRAM})"
        return f"{reason}: a bank of strings is for long lists of words"
    return None


def regex_warnings(pattern: str) -> tuple[str, ...]:
    """What a good pattern means here and not in JavaScript."""
    return translate(pattern).warnings


class RegexSegment(Watch):
    """RE2 filters: one pass over the text finds which patterns could match, those are tried."""

    __slots__ = ("__weakref__", "_filters", "_quick", "_single", "strings")

    def __init__(self, strings: Sequence[str]) -> None:
        super().__init__()
        self.strings = tuple(strings)
        self._quick: _Quick | None = None
        self._filters: list[tuple[Any, int, int]] = []
        self._single: list[tuple[Any, int]] = []
        self._add(0, len(self.strings))

    def _add(self, start: int, end: int) -> None:
        compiled = _filter(self.strings[start:end])
        if compiled is not None:
            self._filters.append((compiled, start, end - start))
        elif end - start == 1:
            self._single.append((_compiled(self.strings[start]), start))
        else:
            middle = (start + end) // 2
            self._add(start, middle)
            self._add(middle, end)

    @property
    def worth(self) -> int:
        """After so many texts databases would have cost less, to build them included."""
        return max(1000, 100 * len(self.strings))

    def quicken(self) -> None:
        """Builds databases for texts of ASCII; finds the same afterwards."""
        self._quick = _Quick.of(self.strings)

    def find(self, raw: bytes) -> list[int]:
        """The indexes of all patterns that match a text in UTF-8."""
        self.pass_one()
        quick = self._quick
        if quick is not None and raw.isascii():
            return quick.find(raw)
        found = [
            start + index
            for compiled, start, count in self._filters
            for index in compiled.Match(raw) or ()
            if index < count
        ]
        found += [index for regex, index in self._single if regex.search(raw) is not None]
        return found


class _Quick:
    """Databases of the patterns that Vectorscan takes, and a segment of the others."""

    __slots__ = ("_databases", "_left", "_rest")

    def __init__(self, databases: RegexDatabases, rest: RegexSegment | None, left: Sequence[int]):
        self._databases = databases
        self._rest = rest
        self._left = left

    @classmethod
    def of(cls, strings: Sequence[str]) -> _Quick | None:
        """None where Vectorscan takes none."""
        taken: list[tuple[int, str]] = []
        for index, string in enumerate(strings):
            found = plain(translate(string).pattern)
            if found is not None and _is_small(re2.compile(found, options())):
                taken.append((index, found))
        databases = RegexDatabases(taken)
        left = sorted({*range(len(strings))} - {i for i, _ in taken} | {*databases.left})
        if len(left) == len(strings):
            return None
        return cls(databases, RegexSegment([strings[i] for i in left]) if left else None, left)

    def find(self, raw: bytes) -> list[int]:
        found = self._databases.find(raw)
        if self._rest is not None:
            left = self._left
            found += [left[index] for index in self._rest.find(raw)]
        return found


def _is_small(compiled: Any) -> bool:
    """Whether Vectorscan builds it soon, and takes it: not where it is found in an empty text."""
    return bool(compiled.programsize <= _SMALL_PROGRAM) and compiled.search(b"") is None


def _compiled(pattern: str) -> Any:
    return re2.compile(translate(pattern).pattern, options())


def _filter(patterns: Sequence[str]) -> Any | None:
    """A compiled filter, or None where the patterns' atoms do not fit into RE2's fixed memory.

    `Match` answers None both for "no match" and for "no memory". Whether there is memory depends on
    the patterns and not on the text, so a pattern known to match asks once, here.
    """
    compiled = re2.Filter()
    shared = options()
    for pattern in patterns:
        compiled.Add(translate(pattern).pattern, shared)
    compiled.Add(_PROBE, shared)
    try:
        compiled.Compile()
    except re2.error:
        return None
    return compiled if len(patterns) in (compiled.Match(_PROBE) or ()) else None


def divide(strings: Sequence[str]) -> list[RegexSegment]:
    """Segments of distinct patterns."""
    segments: list[RegexSegment] = []
    part: list[str] = []
    size = 0
    for string in sorted(strings):
        if part and (len(part) == SEGMENT_PATTERNS or size + len(string) > SEGMENT_CHARACTERS):
            segments.append(RegexSegment(part))
            part, size = [], 0
        part.append(string)
        size += len(string)
    if part:
        segments.append(RegexSegment(part))
    return segments
