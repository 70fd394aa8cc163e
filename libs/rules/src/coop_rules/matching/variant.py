"""Keywords as people disguise them.

Guarantees: a keyword is found as a word of its own, whatever its case and accents, with letters
repeated, replaced by look-alikes of other scripts, digits or signs, drawn of several signs, doubled
up (rn for m), with invisible characters or separators between them, or spelled out; time grows with
the text. What is found depends on the keyword and the text alone.
Must not: use `re` on what is a user's.

    text ─spell─▶ readings, as one string of words             for the keyword "fuck"
                    signs as letters       "fu(k u"  → fu(k u
                    signs as separators    "fuck+it" → fuck it
                    parts of words joined  "f_u-c*k" → fuck
                    single letters joined  "f u c k" → fuck
         ─reduce─▶ Aho-Corasick over reduced keywords ─▶ RE2 verifies each place in spelled text

Ends of words. Coop's own matching starts at a word and ends anywhere, so that "ass" finds "assume".
Here a match ends where the word does, or where one of English's regular endings does: s, es, ed,
er, ers, ing, in', y. They follow its spelling (es after a hissing sound; a doubled consonant before
ed, er, ing and y where a single vowel precedes it; e dropped), since "spic" is not in "spiced" nor
"cum" in "cumin". Longer compounds ("asshole") are keywords of their own.

A keyword's letter may be repeated any number of times, but not be fewer than written; a single e or
o not just doubled ("god" is not in "good"). Digits stand for letters only beside a letter
("a55", not the number 455). A text's l may be an i ("shlt") unless doubled ("fall" is no "fail"),
its i no l, a capital I either. Ordinary English words that look like others ("click", "burn",
"done") are read as they are.
Not found: parts of a word separated by spaces unless each is one letter ("fu ck"), letters left
out ("fck"), changed by sound ("fukk"; ph for f is), or reversed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import re2 as _re2

from coop_rules.matching import keyword
from coop_rules.matching.english import ENDINGS, ORDINARY, endings
from coop_rules.matching.keyword import KeywordSegment
from coop_rules.matching.skeleton import (
    LETTERS_ONLY,
    PAIRS,
    SIGNS,
    TOGETHER,
    WITH_SIGNS,
    draw,
    reduce,
    spell,
)
from coop_rules.matching.word import is_unspaced

re2: Any = _re2  # the package has no types

_BREAK = " \x00 "  # between readings, so that no phrase is found across them
_EDGE = "!¡|+("  # signs that end or open sentences as well as stand for letters
_SPELLED_OUT = re.compile(r"(?<![^ ])[^ \x00](?: [^ \x00]){2,}(?![^ ])")
_CONTRACTED = re.compile("['’](?=(?:ll|re|ve|s|t|d|m)(?![a-z]))")  # "he'll" is not hell
_DOUBLED_L = re.compile("ll+")
_SHORT = 3  # letters; a keyword no longer than this must be all of what is spelled out
_LONGEST = 500  # characters of a keyword
_MEMORY = 8 << 20  # bytes at most of one verifying pattern
_PAIR_OF = {single: pair for pair, single in PAIRS.items()}
_CUT = ("rnr", "cic", "php")  # ends that what follows may still reduce


class Readings:
    """What a text may be read as: `spelled` words and the same words `reduced`. Positions in
    `reduced`: from `edged` on words have the signs at their ends that may be punctuation (for
    keywords that have some as well), from `spelled_out` on they are single letters joined."""

    __slots__ = ("_reduced_starts", "_spelled_starts", "edged", "reduced", "spelled", "spelled_out")

    def __init__(self, text: str, *, edged: bool = True) -> None:
        base = spell(text)
        drawn = draw(base)
        all_signs = _words(drawn, WITH_SIGNS)
        signs = _without_edges(all_signs)
        letters = _words(base, LETTERS_ONLY)
        readings = [signs]
        if letters != signs:
            readings.append(letters)
        if _parted(drawn):
            readings.append(_without_edges(_words(_CONTRACTED.sub(" ", drawn), TOGETHER)))
        whole = _BREAK.join(readings)
        runs = dict.fromkeys(
            run[0].replace(" ", "")
            for run in _SPELLED_OUT.finditer(whole)
            if not is_unspaced(run[0][0])
        )
        self.spelled = _marked(whole + _BREAK)
        self.reduced = reduce(self.spelled)
        self.edged = len(self.reduced)
        if edged and all_signs != signs:
            with_edges = _marked(all_signs + _BREAK)
            self.spelled += with_edges
            self.reduced += reduce(with_edges)
        self.spelled_out = len(self.reduced)
        if runs:
            joined = _marked(_BREAK.join(runs))
            self.spelled += joined
            self.reduced += reduce(joined)
        self._reduced_starts: list[int] | None = None
        self._spelled_starts: list[int] = []

    def words(self, start: int, count: int) -> str:
        """Spelled words, from the one at a position in `reduced` on."""
        if self._reduced_starts is None:
            self._reduced_starts = _starts(self.reduced)
            self._spelled_starts = _starts(self.spelled)
        index = bisect_right(self._reduced_starts, start) - 1
        starts = self._spelled_starts
        end = starts[index + count] - 1 if index + count < len(starts) else len(self.spelled)
        return self.spelled[starts[index] : end]


def _words(text: str, table: Mapping[int, str]) -> str:
    return " ".join(text.translate(table).split())


def _marked(words: str) -> str:
    """Words with each l that is doubled as an L."""
    if "ll" in words:
        return _DOUBLED_L.sub(lambda found: "L" * len(found[0]), words)
    return words


def _without_edges(words: str) -> str:
    """Words without the signs at their ends that may be punctuation."""
    if any(sign in words for sign in _EDGE):
        return " ".join([word.strip(_EDGE) or word for word in words.split()])
    return words


def _parted(drawn: str) -> bool:
    """Whether any word has separators in it."""
    return any(
        not word.isalnum() and " " in word.translate(WITH_SIGNS).strip() for word in drawn.split()
    )


def _starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer(" ", text))]


class _Keyword:
    """One keyword: its `reduced` beginning, and the patterns that verify a place. `edged`: it has
    signs of its own at an end that a text may have as punctuation, as "c++"."""

    __slots__ = ("_literal", "_patterns", "edged", "reduced", "words")

    def __init__(self, string: str) -> None:
        # A capital I of the text may be an l; the keyword's author knows what it is.
        drawn = draw(spell(string.replace("I", "i")))
        parts = [word.translate(WITH_SIGNS).split() for word in drawn.split()]
        spelled = " ".join(
            # "c.u.m" is one word, "mother-in-law" three.
            "".join(found) if all(len(one) == 1 for one in found) else " ".join(found)
            for found in parts
            if found
        )
        self.words = spelled.split(" ")
        self.edged = spelled.startswith(tuple(_EDGE)) or spelled.endswith(tuple(_EDGE))
        self._literal = not any(map(str.isalpha, spelled))
        if len(spelled) > _LONGEST:
            spelled = ""
        reduced = reduce(spelled if not endings(self.words[-1])[1] else spelled[:-1])
        self.reduced = reduced[:-1] if reduced.endswith(_CUT) else reduced
        self._patterns: dict[tuple[bool, bool], Any] = {}

    def fits(self, spelled: str) -> bool:
        """Whether spelled words, as many as the keyword has, are the keyword."""
        if not self._literal and _number(spelled):
            return False
        return self._pattern(_alike(spelled), ended=True).fullmatch(spelled) is not None

    def within(self, spelled: str) -> bool:
        """Whether the keyword was spelled out in what is joined here of single letters."""
        if _number(spelled):
            return False
        pattern = self._pattern(_alike(spelled), ended=False)
        if sum(map(len, self.words)) <= _SHORT:
            return pattern.fullmatch(spelled) is not None
        return pattern.search(spelled) is not None

    def _pattern(self, alike: bool, *, ended: bool) -> Any:
        found = self._patterns.get((alike, ended))
        if found is None:
            found = re2.compile(self._source(alike=alike, ended=ended), _options())
            self._patterns[alike, ended] = found
        return found

    def _source(self, *, alike: bool, ended: bool) -> str:
        after = f"[{_EDGE}]*" if self.edged else ""  # "c++!"
        if self._literal:
            return " ".join(map(re2.escape, self.words)) + after
        words = [_pattern_of(word, alike=alike) for word in self.words]
        if not ended:
            return " ".join(words)
        last = self.words[-1]
        ending, instead = endings(last)
        words[-1] += f"(?:{ending})?" if ending else ""
        if instead:
            words[-1] = f"(?:{words[-1]}|{_pattern_of(last[:-1], alike=alike)}(?:{instead}))"
        return " ".join(words) + after


def _options() -> Any:
    made = re2.Options()
    made.max_mem = _MEMORY
    made.log_errors = False
    return made


def _number(spelled: str) -> bool:
    return any(map(str.isdigit, spelled)) and not any(map(str.isalpha, spelled))


def _alike(spelled: str) -> bool:
    """Whether pairs of letters in these words may be read as single ones, and these as pairs."""
    for word in spelled.replace("L", "l").split(" "):
        if word in ORDINARY or any(
            word.endswith(end) and word[: -len(end)] in ORDINARY for end in ENDINGS
        ):
            return False
    return True


def _class(letter: str) -> str:
    """The characters of spelled text that may stand for a letter, or a sign, of a keyword."""
    letters = {letter, *(one for one, signs in SIGNS.items() if letter in signs)}
    found = letters | {sign for one in letters for sign in SIGNS.get(one, "")}
    if "i" in letters:
        found |= {"I", "l"}
    if "l" in letters:
        found |= {"I", "L"}
    if "u" in letters:
        found.add("v")
    return "[" + "".join(re2.escape(one) for one in sorted(found)) + "]"


def _pattern_of(word: str, *, alike: bool) -> str:
    """The pattern of a keyword's word: each letter as often as written, or more often."""
    runs = [(letter, len(list(same))) for letter, same in groupby(word)]
    pieces: list[str] = []
    index = 0
    while index < len(runs):
        letter, count = runs[index]
        both = runs[index : index + 2]
        pair = "".join(one for one, times in both if times == 1)
        if alike and (letter, count) == ("v", 2):
            pair, width = "vv", 1
        else:
            width = 2
        if alike and len(pair) == 2 and pair in PAIRS:
            first, second = pair[0], pair[1]
            pieces.append(f"(?:{_class(first)}+{_class(second)}+|{PAIRS[pair]}+)")
            index += width
            continue
        one = _class(letter)
        if alike and letter in _PAIR_OF:
            first, second = tuple(_PAIR_OF[letter])
            one = f"(?:{one}|{_class(first)}+{_class(second)}+)"
        pieces.append(_repeated(letter, one, count))
        index += 1
    return "".join(pieces)


def _repeated(letter: str, one: str, count: int) -> str:
    if count > 1:
        return f"{one}{{{count},}}"
    if letter not in "eo":
        return f"{one}+"
    # A doubled e or o is how other words are spelled: "coke" and "cooking", "god" and "good".
    signs = "[" + "".join(map(re2.escape, SIGNS[letter])) + "]"
    return f"(?:{one}|{one}{{3,}}|{signs}{one}|{one}{signs})"


class VariantSegment:
    """One automaton of reduced keywords, and the keywords themselves. `edged`: some have signs at
    their ends."""

    __slots__ = ("__weakref__", "_keywords", "_parts", "edged", "strings")

    def __init__(self, strings: Sequence[str]) -> None:
        self.strings = tuple(strings)
        self._keywords = tuple(_Keyword(string) for string in self.strings)
        self.edged = any(one.edged for one in self._keywords)
        by_reduced: dict[str, list[int]] = {}
        for index, one in enumerate(self._keywords):
            if one.reduced:
                by_reduced.setdefault(one.reduced, []).append(index)
        self._parts: list[tuple[KeywordSegment, list[list[int]]]] = []
        left = frozenset(by_reduced)
        while left:
            segments, left = keyword.divide(list(left))
            for segment in segments:
                self._parts.append((segment, [by_reduced[one] for one in segment.strings]))

    def find(self, readings: Readings) -> set[int]:
        """The indexes of all keywords found."""
        found: set[int] = set()
        reduced = readings.reduced
        for segment, keywords in self._parts:
            for end, length, match in segment.find(reduced, word=False):
                start = end + length
                within = start >= readings.spelled_out
                if not within and start and reduced[start - 1] != " ":
                    continue
                edged = readings.edged <= start < readings.spelled_out
                for index in keywords[match]:
                    if index not in found:
                        one = self._keywords[index]
                        if edged and not one.edged:
                            continue  # to others these signs are punctuation
                        spelled = readings.words(start, len(one.words))
                        if one.within(spelled) if within else one.fits(spelled):
                            found.add(index)
        return found


def divide(strings: Sequence[str]) -> list[VariantSegment]:
    """Segments of distinct keywords."""
    segments: list[VariantSegment] = []
    part: list[str] = []
    size = 0
    for string in sorted(strings):
        if part and size + len(string) > keyword.SEGMENT_CHARACTERS:
            segments.append(VariantSegment(part))
            part, size = [], 0
        part.append(string)
        size += len(string)
    if part:
        segments.append(VariantSegment(part))
    return segments


def variant_problem(string: str) -> str | None:
    """Why a string cannot be a keyword for variants (it is never found); None if it can."""
    if _Keyword(string).reduced:
        return None
    return f"has no letter, digit or symbol to look for, or more than {_LONGEST} characters"
