"""A regex written for JavaScript, as RE2 takes it.

Guarantees: white space is Unicode's, `\\uXXXX` and `\\u{…}` name characters, alone, as pairs of
surrogates and in ranges, as rules brought from Coop write them; what RE2 reads otherwise than
JavaScript, without refusing it, is warned of.
Must not: run on the way of an item (patterns are rewritten when they are compiled), or decide
whether a pattern is good (RE2 does).

Coop's regexes have the flag i and not u: JavaScript sees the two halves (surrogates) of a character
beyond U+FFFF. Here a character is one:

    \\ud83d\\ude00                    the character
    \\ud83d[\\udc00-\\udfff]           the characters that begin with that half
    [\\ud800-\\udbff][\\udc00-\\udfff]  all that have halves
    [\\u0080-\\uffff]                 holds both halves, so all characters that have them
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

Ranges = list[tuple[int, int]]

_SPACES = r"\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}"
_NO_SPACES = (
    r"\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}"
    r"\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}"
)
SPACES_BEYOND_ASCII = (
    (_SPACES.removeprefix(r"\t-\r "), ""),
    (_NO_SPACES[_NO_SPACES.index(r"!-\x{9f}") :], r"!-\x{7f}"),
)
"""What is in the classes of white space, and of what is none, beyond ASCII; and what is left."""
_HIGH, _LOW, _LAST_LOW, _LAST = 0xD800, 0xDC00, 0xDFFF, 0x10FFFF
_NEEDED = re.compile(r"\\[sSucbpPAzaQCx]|\[\^?\]|\[:|[\ud800-\udfff\U00010000-\U0010ffff]")
_CODE = re.compile(
    r"\\(?:[ux]\{(?P<braces>[0-9a-fA-F]{1,6})\}|u(?P<four>[0-9a-fA-F]{4})|x(?P<two>[0-9a-fA-F]{2})"
    r"|c(?P<control>[A-Za-z]))"
)
_QUANTIFIER = re.compile(r"[*+?]|\{\d+(?:,\d*)?\}")
_PUNCTUATION = re.compile(r"\\[!-/:-@\[-`{-~]")
_OTHERWISE = {
    "p": "a class of Unicode's",
    "P": "a class of Unicode's",
    "A": "the beginning of the text",
    "z": "the end of the text",
    "a": "the character U+0007",
    "C": "any one byte",
    "Q": "the beginning of what is taken as it stands",
}
"""Escapes that RE2 has and JavaScript reads as the letter itself."""


@dataclass(frozen=True, slots=True)
class Translation:
    """`pattern` is RE2's; `narrow` the same with white space of ASCII only, the measure of how
    large it was written. `problem`: why there is none."""

    pattern: str
    narrow: str
    warnings: tuple[str, ...] = ()
    problem: str | None = None


@lru_cache(maxsize=20_000)
def translate(pattern: str) -> Translation:
    """The pattern for RE2."""
    if _NEEDED.search(pattern) is None:
        return Translation(pattern, pattern)
    try:
        return _Translator(pattern).translation()
    except _HalfCharacter as error:
        return Translation(pattern, pattern, problem=str(error))


class _HalfCharacter(ValueError):
    """Half of a surrogate pair where no text has one."""


@dataclass(slots=True)
class _Class:
    """A class in brackets, read: `pieces` as RE2 has them, `halves` the surrogates in it."""

    end: int
    closed: bool = False
    negated: bool = False
    pieces: list[str] = field(default_factory=list)
    halves: Ranges = field(default_factory=list)


class _Translator:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._made: list[str] = []
        self._narrow: list[str] = []
        self._warnings: dict[str, None] = {}

    def translation(self) -> Translation:
        at = 0
        while at < len(self._pattern):
            at = self._next(at)
        return Translation("".join(self._made), "".join(self._narrow), tuple(self._warnings))

    def _next(self, at: int) -> int:
        """Takes over what stands at a place; the place after it."""
        pattern = self._pattern
        if pattern[at] == "[":
            found = self._class(at)
            if found.closed and found.halves and not found.pieces and not found.negated:
                return self._halves(found.halves, at, found.end)
            self._put(self._of_class(found, at))
            return found.end
        if pattern[at] != "\\":
            self._astral(at, at + 1, ord(pattern[at]))
            self._put(pattern[at])
            return at + 1
        letter = pattern[at + 1 : at + 2]
        if letter in ("s", "S"):
            self._put(f"[{'^' if letter == 'S' else ''}{_SPACES}]", "\\" + letter)
            return at + 2
        code, end = self._code(at)
        if code is None:
            return self._escape(at)
        if _HIGH <= code <= _LAST_LOW:
            return self._halves([(code, code)], at, end)
        self._astral(at, end, code)
        self._put(_named(code))
        return end

    def _escape(self, at: int) -> int:
        letter = self._pattern[at + 1 : at + 2]
        self._otherwise(at, letter)
        end = at + 2
        if letter == "Q":
            closed = self._pattern.find("\\E", end)
            end = len(self._pattern) if closed < 0 else closed + 2
        self._put(self._pattern[at:end])
        return end

    def _put(self, made: str, narrow: str | None = None) -> None:
        self._made.append(made)
        self._narrow.append(made if narrow is None else narrow)

    def _warn(self, at: int, reason: str) -> None:
        self._warnings[f"{reason} (at character {at + 1})"] = None

    def _otherwise(self, at: int, letter: str) -> None:
        meaning = _OTHERWISE.get(letter)
        if meaning is not None:
            self._warn(at, f"\\{letter} is {meaning}; in JavaScript it is the letter {letter}")

    def _astral(self, at: int, end: int, code: int) -> None:
        if code > 0xFFFF and _QUANTIFIER.match(self._pattern, end):
            reason = "the whole character is repeated; in JavaScript its second half is"
            self._warn(at, f"{chr(code)}: {reason}")

    def _code(self, at: int) -> tuple[int | None, int]:
        """The character that an escape names by a number, and where the escape ends."""
        found = _CODE.match(self._pattern, at)
        if found is None:
            return None, at
        if found["control"]:
            return ord(found["control"]) & 31, found.end()
        code = int(found["braces"] or found["four"] or found["two"], 16)
        if code > _LAST:
            return None, at
        if found["braces"]:
            meaning = "is the character of that number; in JavaScript it is the letter"
            self._warn(at, f"{found[0]} {meaning} {found[0][1]}")
        return code, found.end()

    # Halves of characters.

    def _halves(self, halves: Ranges, at: int, end: int) -> int:
        """A high half, or a class of them, with the low one that follows, as characters."""
        if any(first >= _LOW for first, _ in halves):
            if not _both(halves):
                raise _HalfCharacter(
                    f"the second half of a character without the first (at character {at + 1})"
                )
            lows, after = None, end
        else:
            lows, after = self._lows(end)
        if lows is None:
            self._warn(at, _FIRST_HALF)
            lows, after = [(_LOW, _LAST_LOW)], end
        characters = list(_characters(halves, lows))
        self._put("[" + "".join(_range(*one) for one in characters) + "]")
        if characters and _QUANTIFIER.match(self._pattern, after):
            self._astral(at, after, characters[0][0])
        return after

    def _lows(self, at: int) -> tuple[Ranges | None, int]:
        """The low halves that stand at a place, if there are any and nothing else."""
        if self._pattern[at : at + 1] == "[":
            warnings = dict(self._warnings)
            found = self._class(at)
            if found.closed and not found.pieces and not found.negated and _all_low(found.halves):
                return found.halves, found.end
            self._warnings = warnings  # it is read again
            return None, at
        code, end = self._code(at)
        if code is not None and _LOW <= code <= _LAST_LOW:
            return [(code, code)], end
        return None, at

    # Classes.

    def _class(self, at: int) -> _Class:
        pattern, start = self._pattern, at + 1
        found = _Class(end=len(pattern), negated=pattern[start : start + 1] == "^")
        start += found.negated
        place = start
        while place < len(pattern):
            if pattern[place] == "]" and place > start:
                found.end, found.closed = place + 1, True
                return found
            if pattern[place] == "]":
                self._warn(at, "] first in a class is a member of it; in JavaScript it ends it")
            place = self._member(place, found)
        return found

    def _member(self, at: int, found: _Class) -> int:
        """A member of a class, or a range of them; the place after it."""
        pattern = self._pattern
        if pattern.startswith("[:", at) and (closed := pattern.find(":]", at)) > 0:
            name = pattern[at : closed + 2]
            self._warn(at, f"{name} is a class of POSIX; in JavaScript it is these characters")
            found.pieces.append(name)
            return closed + 2
        if pattern[at] == "\\" and pattern[at + 1 : at + 2] in ("s", "S"):
            found.pieces.append(_SPACES if pattern[at + 1] == "s" else _NO_SPACES)
            return at + 2
        first, end = self._single(at)
        if first is None:
            end = self._other_member(at, found)
            if self._ranged(end):
                found.pieces.append("-")  # "\t-\r", which RE2 knows
                end += 1
            return end
        if not self._ranged(end):
            self._add(found, at, first, first)
            return end
        last, after = self._single(end + 1)
        if last is None or last < first:
            found.pieces.append(pattern[at : end + 1])  # RE2 says what is wrong
            return end + 1
        self._add(found, at, first, last)
        return after

    def _ranged(self, at: int) -> bool:
        """Whether a hyphen there makes a range; before white space, or at the end, it is one."""
        pattern = self._pattern
        ends = ("]", "\\s", "\\S")
        ranged = pattern[at : at + 1] == "-" and at + 1 < len(pattern)
        return ranged and not pattern.startswith(ends, at + 1)

    def _other_member(self, at: int, found: _Class) -> int:
        """An escape that is a class of its own, or that RE2 knows as it stands."""
        pattern = self._pattern
        letter = pattern[at + 1 : at + 2]
        self._otherwise(at, letter)
        end = at + 2
        if letter in ("p", "P"):
            closed = pattern.find("}", at) + 1
            end = (closed or len(pattern)) if pattern.startswith("{", end) else end + 1
        found.pieces.append(pattern[at:end])
        return end

    def _single(self, at: int) -> tuple[int | None, int]:
        """One character of a class, and the place after it; None where it is a class of its own."""
        pattern = self._pattern
        if pattern[at] != "\\":
            return ord(pattern[at]), at + 1
        if pattern.startswith("\\b", at):
            return 8, at + 2
        code, end = self._code(at)
        if code is not None and _HIGH <= code < _LOW:
            low, after = self._code(end)
            if low is not None and _LOW <= low <= _LAST_LOW:
                return _whole(code, low), after
        if code is None and _PUNCTUATION.match(pattern, at):
            return ord(pattern[at + 1]), at + 2
        return code, end

    def _add(self, found: _Class, at: int, first: int, last: int) -> None:
        if first >= _HIGH and last <= _LAST_LOW:
            found.halves.append((first, last))
            return
        if last > 0xFFFF and first > _LAST_LOW:
            reason = "a character beyond U+FFFF in a class is itself; in JavaScript its two halves"
            self._warn(at, reason)
        found.pieces.append(_range(first, last))
        if first <= _HIGH and _LAST_LOW <= last <= 0xFFFF:
            found.pieces.append(_range(0x10000, _LAST))

    def _of_class(self, found: _Class, at: int) -> str:
        if not found.closed:
            return self._pattern[at:]  # RE2 says so
        pieces = list(found.pieces)
        if found.halves:
            if all(first >= _LOW for first, _ in found.halves):
                raise _HalfCharacter(
                    f"the second half of a character without the first (at character {at + 1})"
                )
            self._warn(at, _FIRST_HALF)
            whole = _characters(found.halves, [(_LOW, _LAST_LOW)])
            pieces += [_range(*one) for one in whole]
        return f"[{'^' if found.negated else ''}{''.join(pieces)}]"


_FIRST_HALF = "half of a character stands for all that begin with it; in JavaScript for the half"


def _whole(high: int, low: int) -> int:
    return 0x10000 + ((high - _HIGH) << 10) + (low - _LOW)


def _characters(highs: Ranges, lows: Ranges) -> Iterator[tuple[int, int]]:
    """The characters with these halves; low ones among the high ones do not count."""
    for first, last in highs:
        if first >= _LOW:
            continue
        highest = min(last, _LOW - 1)
        if lows == [(_LOW, _LAST_LOW)]:
            yield _whole(first, _LOW), _whole(highest, _LAST_LOW)
            continue
        for high in range(first, highest + 1):
            for low, up_to in lows:
                yield _whole(high, low), _whole(high, up_to)


def _all_low(halves: Ranges) -> bool:
    return bool(halves) and all(first >= _LOW for first, _ in halves)


def _both(halves: Ranges) -> bool:
    return any(first < _LOW for first, _ in halves)


def _range(first: int, last: int) -> str:
    return _named(first) if first == last else f"{_named(first)}-{_named(last)}"


def _named(code: int) -> str:
    return chr(code) if chr(code).isalnum() and code < 0x80 else f"\\x{{{code:x}}}"
