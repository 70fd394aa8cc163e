"""How similar a text is to the most similar of some strings.

Guarantees: the score is from 0 to 1 and the same on every machine; a text costs what its first
`Similarity.characters` cost, which are the fewer the more strings there are (10,000 strings of up
to 64 characters: 60 to 110 ms, by the machine; of 200 characters: 1 s), and other threads run
meanwhile.
Must not: decide; the threshold is the rule's.

As in Coop, in hundredths: both sides are prepared as for variants (case, accents, look-alikes and
signs for letters, m as rn; what is neither letter nor number after that is white space). A text
shorter than the string is compared whole (indel similarity: the share of both lengths that no
insertion or deletion touches), any other with its most similar part of the string's length (partial
ratio). Coop tries only the parts that a heuristic proposes; all are tried here, so that a score is
as high or higher.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from coop_rules.matching.skeleton import SIGNS, spell

_MOST, _LEAST = 10_000, 250  # characters of a text
_WORK = 4_000_000  # characters times strings
_BATCH = 250  # strings compared without letting other threads run
_WORD = 64  # characters that are compared in one step; a longer string costs ten times as much

_LETTERS = str.maketrans(
    {sign: letter for letter, signs in reversed(SIGNS.items()) for sign in signs}
    | dict.fromkeys("Il1|!", "i")
    | {"m": "rn"}
)


class _Words(dict[int, str]):
    """Code point → itself where it is a letter, a mark or a number, else a space."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kept = character.isalnum() or unicodedata.category(character)[0] == "M"
        found = self[code] = character if kept else " "
        return found


_WORDS = _Words()


def prepare(text: str) -> str:
    """The text as it is compared."""
    return " ".join(spell(text).translate(_LETTERS).translate(_WORDS).split())


class Similarity:
    """Strings to compare with, prepared once. Immutable."""

    __slots__ = ("_lengths", "_prepared", "_strings", "characters")

    def __init__(self, strings: Sequence[str]) -> None:
        pairs = {prepare(string): string for string in sorted(strings, reverse=True)}
        pairs.pop("", None)
        found = sorted(pairs.items(), key=lambda pair: (len(pair[0]), pair[0]))
        self._prepared = [prepared for prepared, _ in found]
        self._strings = [string for _, string in found]
        self._lengths = [len(prepared) for prepared in self._prepared]
        cost = sum(1 if length <= _WORD else 10 for length in self._lengths)
        self.characters = min(_MOST, max(_LEAST, _WORK // max(1, cost)))

    def score(self, text: str) -> tuple[float, str | None]:
        """The highest similarity, from 0 to 1, and the string that has it; (0.0, None) when nothing
        is similar at all. Of several the shortest string, then the first in code point order."""
        # Two megabytes that no process pays whose rules compare nothing; found quickly when loaded.
        from rapidfuzz import fuzz, process  # noqa: PLC0415

        prepared = prepare(text[: 2 * self.characters])[: self.characters]
        best, matched = 0.0, None
        if not prepared:
            return best, matched
        fitting = bisect_right(self._lengths, len(prepared))
        starts = [*range(0, fitting, _BATCH), *range(fitting, len(self._prepared), _BATCH)]
        for start, end in pairwise([*starts, len(self._prepared)]):
            scorer = fuzz.partial_ratio if start < fitting else fuzz.ratio
            choices = self._prepared[start : min(end, fitting) if start < fitting else end]
            found = process.extractOne(prepared, choices, scorer=scorer, score_cutoff=best)
            if found is not None and found[1] > best:
                best, matched = found[1], self._strings[start + found[2]]
        return round(best) / 100, matched
