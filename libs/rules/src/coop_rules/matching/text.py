"""Looking for many pattern sets in one text at once, in linear time.

Guarantees: the answer names what was found as it was written, and the same whatever was compiled
together or reused; time grows with the text and not with how a pattern was made; what is unchanged
is not compiled again.
Must not: know rules.

A scanner passes the text through segments (`keyword`, `regex`, `variant`): automata of a part of
its strings each.

    scanner(sets) ──▶ segments in use that hold enough of the strings, others in them masked
                      + new segments of the strings that are left        ready within the call
                  ──▶ then, beside: as few segments as possible, exchanged when they are made
                  ──▶ where texts pass often: a database of Vectorscan's in the segment

So a changed bank costs the compilation of its changes, and soon after no more per text than a fresh
one. A segment is small enough that building it holds up other threads for tens of milliseconds at
most, though the libraries do not let go of the interpreter meanwhile.
"""

from __future__ import annotations

import hashlib
import math
import threading
import weakref
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from coop_rules.matching import keyword, regex, variant
from coop_rules.matching.builder import Builder
from coop_rules.matching.keyword import KeywordSegment, LoneSegment
from coop_rules.matching.regex import RegexSegment, regex_problem
from coop_rules.matching.variant import Readings, VariantSegment, variant_problem
from coop_rules.matching.word import SharpText, delimit, fold, fold_spaces
from coop_rules.signal.signal import Matching

__all__ = ["Hits", "PatternSet", "Scanner", "ScannerCache", "regex_problem", "variant_problem"]

# Strings up to which a scanner is made anew at once (some 10 ms) rather than pieced together.
SMALL: Mapping[Matching, int] = {
    Matching.CONTAINS: 2000,
    Matching.REGEX: 200,
    Matching.VARIANT: 500,
}
_MORE_PARTS = 4  # segments beyond the fewest possible that a pieced scanner may have
_MASKED = 0.25  # share of masked strings above which a scanner is made anew

Hits = dict[int, str]
"""What was found in one text: index of the pattern set → the pattern that matched."""

Owners = Sequence[tuple[int, str]]
"""Who wants a string of a segment: index of the set, and the string as it was written there."""

Segment = KeywordSegment | RegexSegment | VariantSegment
Part = tuple[Any, Sequence[Owners]]  # a segment of the scanner's kind; owners by its strings
LonePart = tuple[int, LoneSegment, Sequence[str]]  # index of the set, and its strings as written


@dataclass(frozen=True, slots=True)
class Automata:
    """What a scanner passes a text through, and who wants its strings; exchanged as a whole."""

    parts: Sequence[Part]
    lone: Sequence[LonePart] = ()


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


class Scanner(ABC):
    """Looks for several pattern sets in one text. Safe to use from many threads."""

    __slots__ = ("__weakref__", "_count", "_state")

    def __init__(self, count: int, state: Automata) -> None:
        self._count = count
        self._state = state

    def scan(self, text: str) -> Hits:
        """Every set of which a pattern occurs, with that pattern.

        Of keywords the one that ends first, then the longest; of others the first in code point
        order.
        """
        try:
            return self._scan(text)
        except UnicodeEncodeError:  # half of a surrogate pair, which no pattern can match
            return self._scan(text.encode("utf-8", "replace").decode())

    @abstractmethod
    def _scan(self, text: str) -> Hits: ...

    @property
    def parts(self) -> int:
        """How many automata a text passes."""
        return len(self._state.parts) + len(self._state.lone)

    def use(self, state: Automata) -> None:
        """Goes on with other segments of the same strings."""
        self._state = state


class _KeywordScanner(Scanner):
    """Which keyword of a set is named: of all that occur in the text the one that ends first, and
    of those that end there the longest. An occurrence's rank says so: (end, minus length), the
    lowest wins.

    A segment gives its occurrences in the order of their ranks. So the first that is of a set is
    the segment's best for that set, and

        with one segment     it is the answer, and the text is left when every set has one;
        with several         each segment's best stands against those of the others: a keyword of a
                             changed bank is in another segment than the rest of its set;
        with lone segments   (keywords that are each other's endings, of one set each) their best
                             does so too.
    """

    __slots__ = ()
    word = False

    def _scan(self, text: str) -> Hits:
        state = self._state
        if not self.word and ("ß" in text or "ẞ" in text):
            return self._best_of_all(state, SharpText(text))
        normal = fold_spaces(text) if self.word else fold(text)
        if len(state.parts) == 1 and not state.lone:
            segment, owners = state.parts[0]
            return self._first_of_one(segment, owners, normal)
        return self._best_of_all(state, normal)

    def _first_of_one(self, segment: KeywordSegment, owners: Sequence[Owners], normal: str) -> Hits:
        hits: Hits = {}
        for _, _, found in segment.find(normal, word=self.word):
            for index, string in owners[found]:
                if index not in hits:
                    hits[index] = string
                    if len(hits) == self._count:
                        return hits
        return hits

    def _best_of_all(self, state: Automata, text: str | SharpText) -> Hits:
        word = self.word
        sharp, normal = (text, text.text) if isinstance(text, SharpText) else (None, text)
        hits: Hits = {}
        ranks: dict[int, tuple[int, int]] = {}
        for segment, owners in state.parts:
            for end, minus_length, found in segment.find(normal, word=word):
                for index, string in owners[found]:
                    if sharp is not None and not sharp.holds(string, end + minus_length, end):
                        continue
                    if index not in ranks or (end, minus_length) < ranks[index]:
                        ranks[index] = end, minus_length
                        hits[index] = string
        delimited = delimit(normal) if word and state.lone else normal
        for index, lone, strings in state.lone:
            best = lone.first(delimited)
            if best is None:
                continue
            end, minus_length, found = best
            if index not in ranks or (end, minus_length) < ranks[index]:
                ranks[index] = end, minus_length
                hits[index] = strings[found]
        return hits


class _WordScanner(_KeywordScanner):
    __slots__ = ()
    word = True


class _RegexScanner(Scanner):
    __slots__ = ()

    def _scan(self, text: str) -> Hits:
        raw = text.encode()
        return _first(self._state.parts, lambda segment: segment.find(raw))


class _VariantScanner(Scanner):
    __slots__ = ()

    def _scan(self, text: str) -> Hits:
        parts = self._state.parts
        readings = Readings(text, edged=any(segment.edged for segment, _ in parts))
        return _first(parts, lambda segment: segment.find(readings))


def _first(parts: Sequence[Part], find: Callable[[Any], Iterable[int]]) -> Hits:
    hits: Hits = {}
    for segment, owners in parts:
        for found in find(segment):
            for index, string in owners[found]:
                if index not in hits or string < hits[index]:
                    hits[index] = string
    return hits


_SCANNERS: Mapping[Matching, type[Scanner]] = {
    Matching.CONTAINS: _KeywordScanner,
    Matching.WORD: _WordScanner,
    Matching.REGEX: _RegexScanner,
    Matching.VARIANT: _VariantScanner,
}


class _WantedStrings:
    """The strings of some sets as segments know them, with who wants each, and how many segments a
    fresh scanner of them has, about."""

    def __init__(self, sets: Sequence[PatternSet]) -> None:
        self.matching = matching = sets[0].matching
        self.count = len(sets)
        # Keywords share segments, whether they are looked for as substrings or as words.
        self.family = Matching.CONTAINS if matching is Matching.WORD else matching
        owners: dict[str, tuple[tuple[int, str], ...]] = {}
        for index, patterns in enumerate(sets):
            if patterns.strings[:1] == ("",):
                raise ValueError("an empty string would match everything")
            keys: Sequence[str] = patterns.strings
            if self.family is Matching.CONTAINS and keys:
                keys = keyword.normal(keys, word=matching is Matching.WORD)
            for key, string in zip(keys, patterns.strings, strict=True):
                known = owners.get(key)
                if known is None:
                    owners[key] = ((index, string),)
                # One spelling is enough, "SPAM" or "Spam" of one set, but for those with a ß.
                elif known[-1][0] != index or "ß" in string or "ẞ" in string:
                    owners[key] = (*known, (index, string))
        owners.pop("", None)
        self.owners = owners
        size = sum(map(len, owners)) / keyword.SEGMENT_CHARACTERS
        if self.family is Matching.REGEX:
            size = max(
                len(owners) / regex.SEGMENT_PATTERNS,
                sum(map(len, owners)) / regex.SEGMENT_CHARACTERS,
            )
        self.fewest = max(1, math.ceil(size))

    def divide(self, keys: Iterable[str]) -> tuple[Sequence[Segment], frozenset[str]]:
        """New segments of some of the strings, and those of them that need lone ones."""
        if self.family is Matching.REGEX:
            return regex.divide(list(keys)), frozenset()
        if self.family is Matching.VARIANT:
            return variant.divide(list(keys)), frozenset()
        return keyword.divide(list(keys))

    def state(self, segments: Iterable[Segment], lone: Iterable[str]) -> Automata:
        """The automata of these segments; strings that nobody wants are masked."""
        owners = self.owners
        found: dict[int, list[tuple[str, str]]] = {}
        for key in sorted(lone):
            for index, string in owners[key]:
                found.setdefault(index, []).append((key, string))
        word = self.matching is Matching.WORD
        return Automata(
            parts=[(one, [owners.get(string, ()) for string in one.strings]) for one in segments],
            lone=[
                (index, LoneSegment([key for key, _ in pairs], word=word), [s for _, s in pairs])
                for index, pairs in found.items()
            ],
        )


class ScannerCache:
    """Scanners and segments by content: those in use, and the least recently used beyond them up to
    `characters` of patterns. `small`: up to how many strings a scanner is made anew at once. One
    thread asks at a time; a thread of the cache's own lives while there is something to put
    together."""

    def __init__(
        self, *, characters: int = 2_000_000, small: Mapping[Matching, int] = SMALL
    ) -> None:
        self._limit = characters
        self._small = small
        self._recent: OrderedDict[tuple[str, ...], tuple[Scanner, int]] = OrderedDict()
        self._size = 0
        self._scanners: WeakValueDictionary[tuple[str, ...], Scanner] = WeakValueDictionary()
        self._segments: WeakKeyDictionary[Segment, tuple[Matching, frozenset[str]]]
        self._segments = WeakKeyDictionary()
        self._lock = threading.Lock()
        self._builder = Builder()
        self.built = 0  # how many segments were compiled, ever

    def scanner(self, sets: Sequence[PatternSet]) -> Scanner:
        """A scanner of sets of one kind; hits carry the index into `sets`.

        Raises:
            ValueError: a set holds an empty string.
        """
        key = (sets[0].matching.value, *(patterns.digest for patterns in sets))
        found = self._scanners.get(key)
        if found is None:
            found = self._scanners[key] = self._make(_WantedStrings(sets))
        if key not in self._recent:
            size = sum(len(string) for patterns in sets for string in patterns.strings)
            self._recent[key] = found, size
            self._size += size
        self._recent.move_to_end(key)
        while self._size > self._limit:
            self._size -= self._recent.popitem(last=False)[1][1]
        return found

    def settle(self, timeout: float) -> bool:
        """Waits until every scanner has as few segments as it can, and those that pay have their
        databases; False if that takes longer."""
        return self._builder.settle(timeout)

    def quicken(self) -> None:
        """Takes it that every segment pays, without waiting for the texts to tell."""
        with self._lock:
            known = list(self._segments)
        for segment in known:
            if not isinstance(segment, VariantSegment):
                self._quicken(segment)

    def _make(self, wanted: _WantedStrings) -> Scanner:
        small = len(wanted.owners) <= self._small[wanted.family]
        kept = [] if small else self._kept(wanted)
        left = set(wanted.owners)
        masked = 0
        for _, keys in kept:
            masked += len(keys - wanted.owners.keys())
            left -= keys
        fresh, lone = wanted.divide(left)
        self._keep(wanted, fresh)
        segments = [*(segment for segment, _ in kept), *fresh]
        made = _SCANNERS[wanted.matching](wanted.count, wanted.state(segments, lone))
        # Where there are many anyway, one more costs little and putting all together much.
        many = len(segments) > wanted.fewest + wanted.fewest // 4
        if kept and (many or masked > _MASKED * len(wanted.owners)):
            self._builder.later(partial(self._put_together, weakref.ref(made), wanted))
        return made

    def _kept(self, wanted: _WantedStrings) -> list[tuple[Segment, frozenset[str]]]:
        """Segments to use again: those that hold most, at least half of each is wanted."""
        left = set(wanted.owners)
        with self._lock:
            known = [
                (segment, keys)
                for segment, (family, keys) in self._segments.items()
                if family is wanted.family and len(keys) <= 2 * len(left)
            ]
        known.sort(key=lambda entry: len(entry[1] & left), reverse=True)
        chosen = []
        for segment, keys in known:
            common = len(keys & left)
            if common and 2 * common >= len(keys):
                chosen.append((segment, keys))
                left -= keys
            if not left or len(chosen) == wanted.fewest + _MORE_PARTS - 1:
                break
        return chosen

    def _keep(self, wanted: _WantedStrings, segments: Sequence[Segment]) -> None:
        with self._lock:
            self.built += len(segments)
            for segment in segments:
                self._segments[segment] = wanted.family, frozenset(segment.strings)
                if not isinstance(segment, VariantSegment):
                    segment.watch(segment.worth, self._quicken)

    def _put_together(self, reference: weakref.ref[Scanner], wanted: _WantedStrings) -> None:
        scanner = reference()
        if scanner is None:
            return  # another revision has come meanwhile
        segments, lone = wanted.divide(wanted.owners)
        scanner.use(wanted.state(segments, lone))
        self._keep(wanted, segments)

    def _quicken(self, segment: KeywordSegment | RegexSegment) -> None:
        """What is passed so often that it pays gets a database."""
        reference = weakref.ref(segment)

        def build() -> None:
            found = reference()
            if found is not None:
                found.quicken()

        self._builder.later(build)
