"""Looking for many strings or regexes in one text at once, in linear time.

Guarantees: the answer names what was found as it was written; time grows with the text and not
with how a pattern was made (Aho-Corasick and RE2, no back-tracking); running out of the matcher's
memory is found when it is built, never mistaken for "no match".
Must not: know rules, or use `re` on patterns of a user.

Contains: substring after Unicode case folding (`str.casefold`) of both sides.
Regex: RE2 with flag i; `\\b`, `\\w`, `\\d` are ASCII as in JavaScript, for which Coop's rules were
written.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import re2 as _re2
from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from coop_rules.signal import Matching

re2: Any = _re2  # the package has no types

_REGEX_MEMORY = 4 << 20  # bytes RE2 may use for one pattern's program and automata
_FILTER_PATTERNS = 1000  # of one RE2 filter, whose atoms share a fixed 8 MiB
_DENSE_CHARACTERS = 20_000  # up to here the fast DFA is small enough
_MAX_CHAIN = 16  # keywords that may end at one place before overlapping search is given up
_BIG_SET = 500  # patterns; from here a set has a scanner of its own, kept when others change
_WINDOW = 16_384  # characters searched at once, so that a hostile text's matches stay few in memory
_PROBE = "coop\x01probe\x01of\x01memory"

Hits = dict[int, str]
"""What was found in one text: index of the pattern set → the pattern that matched."""


class PatternSet:
    """The matching values of one signal. `digest` (32 hex) identifies the contents, not the source:
    two banks with the same strings are the same set."""

    __slots__ = ("digest", "matching", "strings")

    def __init__(self, matching: Matching, strings: Iterable[str]) -> None:
        self.matching = matching
        self.strings = tuple(sorted(set(strings)))
        digest = hashlib.blake2b(matching.encode(), digest_size=16)
        for string in self.strings:
            raw = string.encode("utf-8", "surrogatepass")
            digest.update(b"%d:" % len(raw))
            digest.update(raw)
        self.digest = digest.hexdigest()


class Scanner(Protocol):
    """Looks for several pattern sets in one text."""

    def scan(self, text: str) -> Hits:
        """Every set of which a pattern occurs, with that pattern."""


def _options() -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.max_mem = _REGEX_MEMORY
    options.log_errors = False
    return options


@lru_cache(maxsize=20_000)
def regex_problem(pattern: str) -> str | None:
    """Why a pattern is refused, with the place where RE2 names one; None if it is good."""
    try:
        re2.compile(pattern, _options())
    except re2.error as error:
        message = error.args[0]
        reason = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
        _, _, piece = reason.partition(": ")
        at = pattern.find(piece) if piece else -1
        return f"{reason} (at character {at + 1})" if at >= 0 else reason
    except UnicodeEncodeError:
        return "holds half of a surrogate pair"
    return None


class ContainsScanner:
    """Aho-Corasick over case-folded text. Raises ValueError on an empty string."""

    def __init__(self, sets: Sequence[PatternSet]) -> None:
        owners: dict[str, list[tuple[int, str]]] = {}
        for index, patterns in enumerate(sets):
            for string in patterns.strings:
                if not string:
                    raise ValueError("an empty string would match everything")
                entries = owners.setdefault(string.casefold(), [])
                # One spelling is enough: "Spam" and "SPAM" of one set are the same keyword.
                if all(owner != index for owner, _ in entries):
                    entries.append((index, string))
        self._owners = tuple(tuple(entries) for entries in owners.values())
        self._automaton = _automaton(owners)
        self._reach = max(map(len, owners), default=1)
        self._overlapping = len(sets) > 1 and not _explosive(self._automaton, owners)
        self._alone: tuple[tuple[int, AhoCorasick, tuple[str, ...]], ...] = ()
        if len(sets) > 1 and not self._overlapping:
            self._alone = tuple(_alone(index, patterns) for index, patterns in enumerate(sets))

    def scan(self, text: str) -> Hits:
        folded = text.casefold()
        hits: Hits = {}
        if len(folded) <= _WINDOW:
            self._scan(folded, hits)
        else:
            for start in range(0, len(folded), _WINDOW):
                self._scan(folded[start : start + _WINDOW + self._reach - 1], hits)
        return hits

    def _scan(self, folded: str, hits: Hits) -> None:
        for index, automaton, strings in self._alone:
            found = index not in hits and automaton.find_matches_as_indexes(folded)
            if found:
                hits[index] = strings[found[0][0]]
        if self._alone:
            return
        owners = self._owners
        for match in self._automaton.find_matches_as_indexes(folded, self._overlapping):
            for index, string in owners[match[0]]:
                if index not in hits:
                    hits[index] = string


def _automaton(strings: Iterable[str]) -> AhoCorasick:
    listed = list(strings)
    dense = sum(map(len, listed)) <= _DENSE_CHARACTERS
    return AhoCorasick(
        listed,
        MatchKind.Standard,
        store_patterns=False,
        implementation=Implementation.DFA if dense else None,
    )


def _alone(index: int, patterns: PatternSet) -> tuple[int, AhoCorasick, tuple[str, ...]]:
    # Without overlap there are at most as many matches as characters, and one is enough.
    return index, _automaton(string.casefold() for string in patterns.strings), patterns.strings


def _explosive(automaton: AhoCorasick, strings: Iterable[str]) -> bool:
    """Whether one place of a text can end so many keywords (a, aa, aaa, …) that naming them all
    costs more than the text is long: those are all suffixes of the longest of them."""
    for string in sorted(strings, key=len):
        ends = automaton.find_matches_as_indexes(string, True)
        if sum(1 for match in ends if match[2] == len(string)) > _MAX_CHAIN:
            return True
    return False


class RegexScanner:
    """RE2 filters: one pass over the text finds which regexes could match, those are then tried."""

    def __init__(self, sets: Sequence[PatternSet]) -> None:
        owners: dict[str, list[int]] = {}
        for index, patterns in enumerate(sets):
            for string in patterns.strings:
                owners.setdefault(string, []).append(index)
        listed = list(owners)
        self._owners = owners
        self._shards: list[tuple[Any, list[str]]] = []
        self._single: list[tuple[Any, str]] = []
        for start in range(0, len(listed), _FILTER_PATTERNS):
            self._add(listed[start : start + _FILTER_PATTERNS])

    def _add(self, patterns: list[str]) -> None:
        compiled = _filter(patterns)
        if compiled is not None:
            self._shards.append((compiled, patterns))
        elif len(patterns) == 1:
            self._single.append((re2.compile(patterns[0], _options()), patterns[0]))
        else:
            middle = len(patterns) // 2
            self._add(patterns[:middle])
            self._add(patterns[middle:])

    def scan(self, text: str) -> Hits:
        raw = text.encode()
        hits: Hits = {}
        owners = self._owners
        for compiled, patterns in self._shards:
            for found in compiled.Match(raw) or ():
                if found < len(patterns):
                    string = patterns[found]
                    for index in owners[string]:
                        if index not in hits:
                            hits[index] = string
        for regex, string in self._single:
            if regex.search(raw) is not None:
                for index in owners[string]:
                    hits.setdefault(index, string)
        return hits


def _filter(patterns: Sequence[str]) -> Any | None:
    """A compiled filter, or None where the patterns' atoms do not fit into RE2's fixed memory.

    `Match` answers None both for "no match" and for "no memory". Whether there is memory depends on
    the patterns and not on the text, so a pattern known to match asks once, here.
    """
    compiled = re2.Filter()
    options = _options()
    for pattern in patterns:
        compiled.Add(pattern, options)
    compiled.Add(_PROBE, options)
    try:
        compiled.Compile()
    except re2.error:
        return None
    return compiled if len(patterns) in (compiled.Match(_PROBE) or ()) else None


class CombinedScanner:
    """Several scanners as one: big sets stay compiled when small ones change."""

    def __init__(self, parts: Sequence[tuple[Scanner, Sequence[int]]]) -> None:
        self._parts = tuple(parts)

    def scan(self, text: str) -> Hits:
        hits: Hits = {}
        for scanner, indexes in self._parts:
            for index, string in scanner.scan(text).items():
                hits[indexes[index]] = string
        return hits


class ScannerCache:
    """Scanners by content, so that an unchanged bank is never compiled again. Not thread-safe: one
    compiler uses one cache. `limit` bounds the number of scanners kept (least recently used go)."""

    def __init__(self, *, limit: int = 1000) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[str, ...], Scanner] = OrderedDict()
        self.built = 0  # how many were compiled, ever

    def scanner(self, sets: Sequence[PatternSet]) -> Scanner:
        """A scanner of sets of one kind; hits carry the index into `sets`."""
        small = [i for i, patterns in enumerate(sets) if len(patterns.strings) < _BIG_SET]
        big = [i for i, patterns in enumerate(sets) if len(patterns.strings) >= _BIG_SET]
        groups = [[i] for i in big] + ([small] if small else [])
        if len(groups) == 1:
            return self._get([sets[i] for i in groups[0]])
        return CombinedScanner([(self._get([sets[i] for i in group]), group) for group in groups])

    def _get(self, sets: Sequence[PatternSet]) -> Scanner:
        key = (sets[0].matching.value, *(patterns.digest for patterns in sets))
        found = self._kept.get(key)
        if found is None:
            regex = sets[0].matching is Matching.REGEX
            found = RegexScanner(sets) if regex else ContainsScanner(sets)
            self.built += 1
            self._kept[key] = found
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return found
