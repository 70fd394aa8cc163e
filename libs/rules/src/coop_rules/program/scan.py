"""Scans of inputs: every pattern set that rules look for in one input, in one pass.

Guarantees: a scan is made once for an item, and only if a rule asks for it. What is looked for in
text fields is looked for in "All text", where that is scanned anyway, and then only what was found
there is looked for in the field: a field's text is part of all text.
Must not: know how a text is searched (`text` does).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from coop_rules.matching.dialect import translate
from coop_rules.matching.keyword import normal
from coop_rules.matching.regex import options, re2
from coop_rules.matching.text import PatternSet, Scanner, ScannerCache
from coop_rules.matching.word import SHARP, fold
from coop_rules.program.state import EvaluationState, Read, ScanResult
from coop_rules.signal.signal import Matching

NARROWED = frozenset({Matching.CONTAINS, Matching.WORD, Matching.REGEX})
"""How a find in a part of a text is also one in the whole. (A variant's text is normalised as a
whole.)"""

_FEW = 50  # keywords that are looked for one by one
_EAGER = 200  # strings of a set that is worth compiling before an item needs it
_ABSENT = ScanResult({}, {}, 0, bad=False)
_NOTHING = ScanResult({}, {}, 1, bad=False)


class Scanning:
    """One scanner over one input, all positions in `sets`. `use` it before it is run."""

    def __init__(self, index: int, read: Read, *, only_text: bool) -> None:
        self.index = index
        self.only_text = only_text  # no value can have a wrong type
        self.sets: list[PatternSet] = []
        self._positions: dict[str, int] = {}
        self._read = read
        self._scanner: Scanner | None = None

    def position(self, patterns: PatternSet) -> int:
        """Where the hits of a pattern set are."""
        found = self._positions.setdefault(patterns.digest, len(self.sets))
        if found == len(self.sets):
            self.sets.append(patterns)
        return found

    @property
    def asks(self) -> frozenset[Callable[[EvaluationState], object]]:
        """The scans that this one may make, itself included."""
        return frozenset([self.run])

    def use(self, scanner: Scanner) -> None:
        self._scanner = scanner

    def run(self, state: EvaluationState) -> ScanResult:
        """What is found, looked for once."""
        found = state.scans[self.index]
        if found is None:
            found = state.scans[self.index] = self.scan(state)
        return found

    def scan(self, state: EvaluationState) -> ScanResult:
        assert self._scanner is not None
        search = self._scanner.scan
        values = self._read(state)
        if len(values) == 1 and values[0].__class__ is str:
            hits = search(values[0])
            return ScanResult(hits, hits, 1, bad=False)
        return merged([search(v) for v in values if v.__class__ is str], len(values))


class NarrowedScanning(Scanning):
    """A text field beside "All text": `base` scans that, for the sets of this field as well."""

    def __init__(self, index: int, read: Read, base: Scanning, narrow: NarrowCache) -> None:
        super().__init__(index, read, only_text=False)
        self._base = base
        self._narrow = narrow
        self._mine: dict[int, PatternSet] = {}
        self._substrings = False

    @property
    def asks(self) -> frozenset[Callable[[EvaluationState], object]]:
        return frozenset([self.run, self._base.run])

    def position(self, patterns: PatternSet) -> int:
        found = self._base.position(patterns)
        self._mine[found] = patterns
        self._substrings = patterns.matching is Matching.CONTAINS
        if len(patterns.strings) > _EAGER:
            self._narrow.scanner(patterns)
        return found

    def scan(self, state: EvaluationState) -> ScanResult:
        values = self._read(state)
        if not values:
            return _ABSENT
        mine = self._mine
        whole = self._base.run(state).found
        likely = [position for position in whole if position in mine]
        if len(values) == 1 and values[0].__class__ is str:
            if not likely:
                return _NOTHING
            hits = self._search(values[0], likely, whole)
            return ScanResult(hits, hits, 1, bad=False)
        texts = [self._search(v, likely, whole) for v in values if v.__class__ is str]
        return merged(texts, len(values))

    def _search(self, text: str, likely: list[int], whole: dict[int, str]) -> dict[int, str]:
        hits: dict[int, str] = {}
        quick = likely and self._substrings and SHARP.search(text) is None
        folded = fold(text) if quick else ""
        for position in likely:
            patterns = self._mine[position]
            # Most often it is the very keyword that all text has.
            if folded and fold(whole[position]) in folded:
                hits[position] = whole[position]
                continue
            # Seldom is it another of its set: most often that is not worth an automaton.
            if folded and self._narrow.holds_none(patterns, folded):
                continue
            found = self._narrow.scanner(patterns).scan(text)
            if found:
                hits[position] = found[0]
        return hits


def merged(hits: list[dict[int, str]], values: int) -> ScanResult:
    """The scan of several values, of which those without hits are no texts."""
    if not values:
        return _ABSENT
    bad = len(hits) < values
    if not hits:
        return ScanResult({}, {}, 0, bad=bad)
    found: dict[int, str] = {}
    for one in reversed(hits):
        found |= one
    every = {p: found[p] for p in hits[0] if all(p in one for one in hits)}
    return ScanResult(found, every, len(hits), bad=bad)


class NarrowCache:
    """Scanners of single pattern sets, and the keywords of few, by content. Safe to use from many
    threads."""

    def __init__(self, *, limit: int = 4_000) -> None:
        self._cache = ScannerCache()
        self._lock = threading.Lock()
        self._known: dict[str, Scanner] = {}
        self._keywords: dict[str, Sequence[str]] = {}
        self._local: dict[str, bool] = {}
        self._limit = limit

    def scanner(self, patterns: PatternSet) -> Scanner:
        found = self._known.get(patterns.digest)
        if found is None:
            with self._lock:
                found = self._cache.scanner([patterns])
                if len(self._known) >= self._limit:
                    self._known.clear()
                self._known[patterns.digest] = found
        return found

    def holds_none(self, patterns: PatternSet, folded: str) -> bool:
        """Whether none of a few keywords, to be found as substrings, is in a folded text without ß;
        False where there are many: ask the scanner."""
        if len(patterns.strings) > _FEW:
            return False
        keywords = self._keywords.get(patterns.digest)
        if keywords is None:
            if len(self._keywords) >= self._limit:
                self._keywords.clear()
            keywords = self._keywords[patterns.digest] = normal(patterns.strings, word=False)
        return not any(keyword in folded for keyword in keywords)

    def is_local(self, patterns: PatternSet) -> bool:
        """Whether a find in a part of a text that spaces divide is a find in the whole."""
        if patterns.matching is not Matching.REGEX:
            return patterns.matching in NARROWED
        found = self._local.get(patterns.digest)
        if found is None:
            if len(self._local) >= 4 * self._limit:
                self._local.clear()
            found = self._local[patterns.digest] = all(map(_is_local, patterns.strings))
        return found


def _is_local(pattern: str) -> bool:
    # A place in the text other than its ends looks the same from within; `^`, `$`, `\\A` and `\\z`
    # do not, and an empty match needs no text at all.
    pattern = translate(pattern).pattern
    if "\\[" not in pattern:
        pattern = pattern.replace("[^", "[")  # of a class, where it is no place
    if any(sign in pattern for sign in ("^", "$", "\\A", "\\z", "\\Z", "\\Q")):
        return False
    compiled: Any = re2.compile(pattern, options())
    return compiled.search(b"") is None
