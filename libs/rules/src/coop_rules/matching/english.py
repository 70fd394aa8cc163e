"""What variants need to know of English: regular endings, and words that look like others.

Guarantees: an ending follows the spelling of the word it is added to, so that few words that merely
begin like another one are taken for it.
Must not: know irregular forms or other languages; a word that is not ASCII has no endings.
"""

from __future__ import annotations

ENDINGS = ("s", "es", "ed", "d", "er", "ers", "r", "rs", "ing", "y", "ly")

# Both words of each pair that differs by cl for d, rn for m or ph for f and that people write.
ORDINARY = frozenset(
    """
    acclaim barn bam born bum burn churn chum clad dad clam dam clamp damp clan dan clank dank clap
    dap clash dash class clay day clean dean clear dear cleft deft clever click dick cliff cline
    dine cling ding clink dink clip dip clock dock clod clog dog clone done close dose clot dot
    cloth doth cloud clout clove dove clown down club dub cluck duck clue due clump dump clunk dunk
    clutch dutch com corn comer corner darn earn eam farm pharm fat phat few phew fish phish fern
    horn hom modem modern phase phone phrase scorn stem stern thorn tern torn tom turn warn worn yam
    yarn
    """.split()  # noqa: SIM905 - one word a line would be a page and a half
)

_S, _E, _I, _G = "[s5$§z]", "[e3€]", "[i1!¡|lI]", "[g69]"
_VOWELS = frozenset("aeiouy")
_HISSING = ("s", "x", "z", "ch", "sh")


def _last(letter: str) -> str:
    """A last letter: once, or drawn out, but not doubled (which spells other words)."""
    return f"(?:{letter}|{letter}{{3,}})"


_PLURAL = _last(_S)
_AFTER_E = f"d|r|r?{_PLURAL}"
_ING = f"{_I}n{_last(_G)}|{_I}n"
_VERBAL = f"{_E}{_last('d')}|{_E}{_last('r')}|{_E}r{_PLURAL}|{_ING}"


def endings(word: str) -> tuple[str, str]:
    """What may follow the word, and what may follow it without its last letter, as alternatives
    for RE2; "" for nothing. The word is in lower case."""
    if len(word) < 3 or not (word.isascii() and word.isalpha()):
        return "", ""
    if word.endswith("e"):
        return _AFTER_E, _ING if len(word) > 3 else ""
    if word.endswith("y") and word[-2] not in _VOWELS:
        return "", f"{_I}{_E}{_PLURAL}|{_I}{_E}d"
    plural = f"{_E}{_PLURAL}" if word.endswith(_HISSING) else _PLURAL
    last = word[-1]
    if last in _VOWELS:
        return plural, ""
    if last not in "wx" and word[-2] in _VOWELS and word[-3] not in _VOWELS:
        # The pattern before takes any number of this letter; one more makes it doubled at least.
        return f"{plural}|{last}(?:{_VERBAL}|{_last('y')})", ""
    return f"{plural}|{_VERBAL}", ""
