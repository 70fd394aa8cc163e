"""What counts as the same text, and where a word begins and ends.

Guarantees: `fold` makes texts that Unicode calls canonically and caselessly equal the same string;
`joined` answers for one place between two characters and needs nothing else of the text.
Must not: know keywords or rules.

Folding. Full case folding ("Straße" = "STRASSE"), composed ("é" = "e" + accent). A folded text may
be longer or shorter than the text, so everything that follows works on folded text on both sides
and never on positions of the original. One addition to Unicode's default: the Turkish capital İ
folds to i and not to i + dot, for its language's lower case of it is i. The dotless ı stays a
letter of its own (Turkish "sık" is no "sik"); its capital is I, which folds to i as everywhere.

Words. A letter, mark, digit or connector ("_") beside another one continues the word; anything else
ends it: "can" is a word of "can't" and "spam" of "#spam!". Han, Hiragana, Thai, Lao, Khmer and
Myanmar are written without spaces, and Unicode's default word boundaries (UAX #29) break around
each of their letters; finding their words needs a dictionary. So a keyword of these scripts is
found anywhere in a text of them, which finds too much rather than nothing, and a Latin word between
them is a whole word. Marks always belong to what they follow. Katakana and Hangul form words.
"""

from __future__ import annotations

import re
import unicodedata

_DOT_ABOVE = "\u0307"
_JOINERS = "\u200c\u200d"
_UNSPACED = (
    "CJK UNIFIED",
    "CJK COMPATIBILITY IDEOGRAPH",
    "IDEOGRAPHIC ITERATION",
    "HIRAGANA",
    "THAI ",
    "LAO ",
    "KHMER ",
    "MYANMAR ",
)
_NONE, _LETTER, _MARK, _UNSPACED_LETTER, _UNSPACED_MARK, _KATAKANA = range(6)

DELIMITER = "\x00"
SHARP = re.compile("[ßẞ]")


def fold(text: str) -> str:
    """The text as it is compared; see the module."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    if _DOT_ABOVE in folded:
        folded = folded.replace("i" + _DOT_ABOVE, "i")
    return folded


class SharpText:
    """A text with ß, folded, that knows which of its ss are one letter.

    "Scheiße" is "scheisse", but "Straße" does not hold "ass": where a string begins or ends with an
    ss that is a ß, and the word goes on, the string is found only if it has a ß there itself."""

    __slots__ = ("_letters", "text")

    def __init__(self, text: str) -> None:
        pieces = [fold(piece) for piece in SHARP.split(text)]
        self.text = "ss".join(pieces)
        self._letters: set[int] = set()  # where each begins
        at = 0
        for piece in pieces[:-1]:
            at += len(piece)
            self._letters.add(at)
            at += 2

    def holds(self, string: str, start: int, end: int) -> bool:
        """Whether a string, as it was written, is found at a place of the folded text."""
        text, letters = self.text, self._letters
        if start - 1 in letters or end - 1 in letters:
            return False  # half of the letter
        if start in letters and not SHARP.match(string) and start:
            return not joined(text[start - 1], text[start])
        if end - 2 in letters and not SHARP.match(string[-1:]) and end < len(text):
            return not joined(text[end - 1], text[end])
        return True


def fold_spaces(text: str) -> str:
    """`fold`, with every run of white space as one space, so that phrases survive line breaks."""
    folded = fold(text)
    if "  " in folded or not folded.isprintable():  # no white space but the space is printable
        return " ".join(folded.split())
    return folded


class _Kinds(dict[str, int]):
    """Character → what it is for words; worked out once for each that occurs."""

    def __missing__(self, character: str) -> int:
        kind = self[character] = _kind(character)
        return kind


def _kind(character: str) -> int:
    category = unicodedata.category(character)
    if category[0] not in "LMN" and category != "Pc" and character not in _JOINERS:
        return _NONE
    name = unicodedata.name(character, "")
    unspaced = name.startswith(_UNSPACED)
    if category[0] == "M" or character in _JOINERS:
        return _UNSPACED_MARK if unspaced else _MARK
    if unspaced:
        # Their digits are digits like all others.
        return _LETTER if category == "Nd" else _UNSPACED_LETTER
    return _KATAKANA if name.startswith(("KATAKANA", "HALFWIDTH KATAKANA")) else _LETTER


KINDS = _Kinds()


def joined(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word."""
    before, after = KINDS[left], KINDS[right]
    if not before or not after:
        return False
    if after in (_MARK, _UNSPACED_MARK):
        return True
    if after == _UNSPACED_LETTER or before in (_UNSPACED_LETTER, _UNSPACED_MARK):
        return False
    return before == _MARK or (before == _KATAKANA) is (after == _KATAKANA)


def is_unspaced(character: str) -> bool:
    """Whether the character is a letter of a script written without spaces."""
    return KINDS[character] in (_UNSPACED_LETTER, _UNSPACED_MARK)


def whole(text: str, start: int, end: int) -> bool:
    """Whether text[start:end], which is not empty, is cut at boundaries of words."""
    if start and joined(text[start - 1], text[start]):
        return False
    return end >= len(text) or not joined(text[end - 1], text[end])


def delimit(text: str) -> str:
    """The text with `DELIMITER` at its ends and at every boundary of words."""
    pieces = [DELIMITER]
    previous = ""
    for character in text:
        if previous and not joined(previous, character):
            pieces.append(DELIMITER)
        pieces.append(character)
        previous = character
    pieces.append(DELIMITER)
    return "".join(pieces)
