"""Keywords by Aho-Corasick over folded text: as a substring (CONTAINS) or between boundaries of
words (WORD).

Guarantees: of each pattern set the keyword is named that ends first in the text, of those the
longest, however the keywords were divided into segments; time and memory grow with the text.
Must not: hold the interpreter for long while it builds (`SEGMENT_CHARACTERS`; the library builds
without letting other threads run), or use `re` on a keyword.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from coop_rules.matching.vectorscan import KeywordDatabase, Watch
from coop_rules.matching.word import DELIMITER, KINDS, delimit, fold, fold_spaces, joined

SEGMENT_CHARACTERS = 200_000  # of one automaton: 30 ms to build, no other thread running
_DENSE_CHARACTERS = 20_000  # up to here the fast DFA is small enough
_WINDOW = 16_384  # characters searched at once, so that a hostile text's matches stay few in memory
_SPACES = re.compile(r"[^\S\n ]|  |^ | $", re.MULTILINE)
MAX_CHAIN = 16  # keywords that may end at one place before overlapping search is given up

Found = tuple[int, int, int]
"""Where a match ends, minus its length, and its index: sorts as matches are preferred."""


def normal(strings: Sequence[str], *, word: bool) -> list[str]:
    """The keywords as the automaton knows them; "" for a word of white space, which is none."""
    # All at once where that is the same: folding looks at one character, or at marks after it.
    together = fold("\n".join(strings))
    folded = together.split("\n")
    if len(folded) == len(strings) and not (word and _SPACES.search(together)):
        return folded
    return [fold_spaces(string).strip() if word else fold(string) for string in strings]


def _automaton(strings: Sequence[str]) -> AhoCorasick:
    dense = sum(map(len, strings)) <= _DENSE_CHARACTERS
    return AhoCorasick(
        strings,
        MatchKind.Standard,
        store_patterns=False,
        implementation=Implementation.DFA if dense else None,
    )


class KeywordSegment(Watch):
    """One automaton of normal keywords, all distinct, of which none ends with more than `MAX_CHAIN`
    others (see `divide`)."""

    __slots__ = ("__weakref__", "_automaton", "_database", "_reach", "strings")

    def __init__(self, strings: Sequence[str]) -> None:
        super().__init__()
        self.strings = tuple(strings)
        self._database: KeywordDatabase | None = None
        self._automaton = _automaton(self.strings)
        self._reach = max(map(len, self.strings))

    @property
    def worth(self) -> int:
        """After so many texts a database would have cost less, to build it included."""
        return max(1000, len(self.strings))

    def quicken(self) -> None:
        """Builds the database for texts of ASCII; finds the same afterwards."""
        self._database = KeywordDatabase.of(self.strings)

    def _occurrences(self, text: str) -> Iterable[tuple[int, int, int]]:
        database = self._database
        if database is not None and text.isascii():
            return database.find(text)
        found: Iterable[tuple[int, int, int]] = self._automaton.find_matches_as_indexes(text, True)
        return found

    def find(self, text: str, *, word: bool) -> Iterator[Found]:
        """Every occurrence in normal text, by its end, the longest first."""
        self.pass_one()
        search = self._occurrences
        if len(text) <= _WINDOW:
            for index, start, end in search(text):
                if not word or _whole(text, start, end):
                    yield end, start - end, index
            return
        for at in range(0, len(text), _WINDOW):
            for index, start, end in search(text[at : at + _WINDOW + self._reach - 1]):
                if not word or _whole(text, at + start, at + end):
                    yield at + end, start - end, index


def _whole(text: str, start: int, end: int) -> bool:
    # `word.whole`, here because it is most of the time that a text takes.
    if start and KINDS[text[start - 1]] and joined(text[start - 1], text[start]):
        return False
    return end >= len(text) or not KINDS[text[end]] or not joined(text[end - 1], text[end])


class LoneSegment:
    """One automaton for keywords of one pattern set that are each other's endings (a, aa, aaa, …):
    naming them all would cost more than the text is long, so only the first is looked for."""

    __slots__ = ("_automaton", "_reach", "_word", "strings")

    def __init__(self, strings: Sequence[str], *, word: bool) -> None:
        self.strings = tuple(strings)
        self._word = word
        self._automaton = _automaton([delimit(one) for one in strings] if word else self.strings)
        self._reach = max(map(len, self.strings)) * (2 if word else 1) + 1

    def first(self, text: str) -> Found | None:
        """The occurrence that ends first, in text that is `delimit`ed for words."""
        for at in range(0, max(len(text), 1), _WINDOW):
            part = text if len(text) <= _WINDOW else text[at : at + _WINDOW + self._reach - 1]
            # Without overlap there are at most as many matches as characters.
            for index, _, end in self._automaton.find_matches_as_indexes(part):
                stop = at + end
                if self._word:
                    stop -= text.count(DELIMITER, 0, stop)
                return stop, -len(self.strings[index]), index
        return None


def divide(strings: Sequence[str]) -> tuple[list[KeywordSegment], frozenset[str]]:
    """Segments of distinct normal keywords, and those left out of them because more than
    `MAX_CHAIN` keywords are their endings (they go to `LoneSegment`s)."""
    segments: list[KeywordSegment] = []
    lone: set[str] = set()
    part: list[str] = []
    size = 0
    for string in sorted(strings):
        if part and size + len(string) > SEGMENT_CHARACTERS:
            segments += _segment(part, lone)
            part, size = [], 0
        part.append(string)
        size += len(string)
    if part:
        segments += _segment(part, lone)
    return segments, frozenset(lone)


def _segment(strings: list[str], lone: set[str]) -> list[KeywordSegment]:
    known = frozenset(strings)
    lengths = sorted({len(one) for one in strings})
    long = {one for one in strings if len(one) > MAX_CHAIN and _is_nested(one, known, lengths)}
    lone |= long
    rest = [one for one in strings if one not in long]
    return [KeywordSegment(rest)] if rest else []


def _is_nested(string: str, known: frozenset[str], lengths: Sequence[int]) -> bool:
    """Whether more than `MAX_CHAIN` known strings end this one, itself included."""
    chain = 0
    for length in lengths:
        if length > len(string):
            break
        chain += string[-length:] in known
        if chain > MAX_CHAIN:
            return True
    return False
