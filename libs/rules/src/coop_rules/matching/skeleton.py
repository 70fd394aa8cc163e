"""Disguised text, reduced to what it may be read as.

Guarantees: `spell` takes away what cannot be seen or does not matter (case, accents, zero-width
characters, letters of other scripts that look Latin); `reduce` is equal for a word and for every
spelling of it that `pattern` accepts, so that a search in reduced text loses none.
Must not: know keywords.

Spelled text has lower-case letters, and of capitals only I, which may be an i or an l. Reduced text
has one letter for all that look alike, and no repetitions:

    l I 1 ! | → i    0 → o   $ 5 → s   …      each sign the letter it stands for
    m → rn   d → ci (cl)   w → v (vv)   u → v   f → ph       letters that pairs look like
    aaa → a   rnrn → rn                        idempotence; the reduction is confluent, hence exact
"""

from __future__ import annotations

import re
import unicodedata

from coop_rules.matching.confusable import LETTERS
from coop_rules.matching.word import is_unspaced

SIGNS: dict[str, str] = {
    "a": "4@",
    "b": "8",
    "c": "(¢©",
    "e": "3€",
    "g": "69",
    "i": "1!¡|",
    "l": "1|",
    "o": "0",
    "p": "¶",
    "s": "5$§",
    "t": "7+",
    "y": "¥",
    "z": "2",
}
"""Digits and signs that stand for letters."""

PAIRS = {"rn": "m", "cl": "d", "vv": "w", "ph": "f"}
"""Two letters that look (or sound) like one."""

_ART = {
    "/\\/\\": "m",
    "|\\/|": "m",
    "\\/\\/": "w",
    "/-\\": "a",
    "|-|": "h",
    "|_|": "u",
    "(_)": "u",
    "|\\|": "n",
    "/\\": "a",
    "\\/": "v",
    "|<": "k",
    "|{": "k",
    "|)": "d",
    "|>": "p",
    "()": "o",
    "[]": "o",
}
_ART_SIGNS = re.compile("|".join(map(re.escape, sorted(_ART, key=len, reverse=True))))
_CAPITAL_I = "\x02"  # while the rest is case-folded
# Marks that decorate letters, and not the vowel signs that other scripts spell with marks.
_DECORATIONS = (
    (0x0300, 0x036F),
    (0x0483, 0x0489),
    (0x0591, 0x05C7),
    (0x0610, 0x061A),
    (0x064B, 0x065F),
    (0x0670, 0x0670),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
    (0xE0100, 0xE01EF),
)
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u17b4\u17b5")
_TRADE_MARKS = str.maketrans("™℠", "  ")


# Whole alphabets of capitals that no decomposition resolves, by their A: negative circled, negative
# squared, regional indicators, outlined.
_ALPHABETS = (0x1F150, 0x1F170, 0x1F1E6, 0x1CCD6)
_FLAG = re.compile(
    "(?<![\U0001f1e6-\U0001f1ff])[\U0001f1e6-\U0001f1ff]{2}(?![\U0001f1e6-\U0001f1ff])"
)
# Small capitals, letters turned or written otherwise, letters with hooks and strokes.
_NAMED = re.compile(
    "LATIN (?:LETTER SMALL CAPITAL|(?:SMALL|CAPITAL) LETTER(?: SMALL CAPITAL)?)"
    "(?: (?:TURNED|REVERSED|INVERTED|OPEN|SCRIPT|BLACKLETTER|INSULAR|SIDEWAYS|LONG|DOTLESS"
    "|BROKEN))* ([A-Z])(?: WITH .*)?"
)


def _styled(character: str) -> str:
    """The letter that a character is a style of, which its name tells; else the character."""
    code = ord(character)
    for first in _ALPHABETS:
        if first <= code < first + 26:
            return chr(ord("a") + code - first)
    if character.isascii() or unicodedata.decomposition(character):
        return character
    named = _NAMED.fullmatch(unicodedata.name(character, ""))
    return character if named is None else named[1].lower()


class _Seen(dict[int, str | None]):
    """Code point → how it is read (None: not at all); worked out once for each that occurs."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        low = character.lower()
        found: str | None = LETTERS.get(low, LETTERS.get(character)) or _styled(character)
        invisible = unicodedata.category(character) == "Cf" or character in _FILLERS
        if invisible or any(first <= code <= last for first, last in _DECORATIONS):
            found = None
        self[code] = found
        return found


_SEEN = _Seen()


def spell(text: str) -> str:
    """The text's letters as they are read, with all its signs and spaces."""
    if not text.isascii():
        if max(text) >= "\U0001f1e6":
            text = _FLAG.sub(" ", text)
        looked = text.translate(_TRADE_MARKS).translate(_SEEN)
        decomposed = unicodedata.normalize("NFKD", looked)
        text = unicodedata.normalize("NFC", decomposed.translate(_SEEN))
        text = text.replace("I", _CAPITAL_I).casefold().replace(_CAPITAL_I, "I")
        if any(map(is_unspaced, set(text))):
            # Around letters of scripts without spaces there is a boundary anyway.
            text = "".join([f" {c} " if is_unspaced(c) else c for c in text])
        return text
    return text.replace("I", _CAPITAL_I).lower().replace(_CAPITAL_I, "I")


def draw(text: str) -> str:
    """Spelled text with the letters that are drawn of several signs, such as |< for k."""
    if "|" in text or "\\" in text or "()" in text or "[]" in text or "(_)" in text:
        return _ART_SIGNS.sub(lambda found: _ART[found[0]], text)
    return text


_LEET = frozenset("".join(SIGNS.values()))


class _Words(dict[int, str]):
    """Code point → itself where it is part of a word, else `between`. Pictures are words where
    `signs` are kept and what is between is a space."""

    def __init__(self, *, signs: bool, between: str) -> None:
        super().__init__()
        self._signs = signs
        self._between = between

    def __missing__(self, code: int) -> str:
        character = chr(code)
        known = character.isalpha() or unicodedata.category(character)[0] == "M"
        if self._signs:
            known = known or character in _LEET or character.isnumeric()
        found = character
        if not known:
            found = " " if character.isspace() else self._between
            if self._signs and found == " " and unicodedata.category(character) == "So":
                found = f" {character} "
        self[code] = found
        return found


LETTERS_ONLY = _Words(signs=False, between=" ")
"""For `str.translate`: all but letters are spaces."""
WITH_SIGNS = _Words(signs=True, between=" ")
"""All but letters and the signs that may stand for them are spaces."""
TOGETHER = _Words(signs=True, between="")
"""What is between letters and signs is left out; spaces stay."""

_ALIKE = str.maketrans(
    {sign: letter for letter, signs in reversed(SIGNS.items()) for sign in signs}
    | dict.fromkeys("lLI1!¡|", "i")
    | dict.fromkeys("uw", "v")
)
_EXPANDED = (("m", "rn"), ("d", "ci"), ("f", "ph"))
_REPEATED = re.compile(r"([^ ])\1+")
_REPEATED_PAIR = re.compile(r"(rn|ci|ph)\1+")


def reduce(spelled: str) -> str:
    """Spelled text (of letters, signs and single spaces), reduced."""
    reduced = spelled.translate(_ALIKE)
    for letter, pair in _EXPANDED:
        reduced = reduced.replace(letter, pair)
    return _REPEATED_PAIR.sub(r"\1", _REPEATED.sub(r"\1", reduced))
