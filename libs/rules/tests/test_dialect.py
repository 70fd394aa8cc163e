"""Regexes written for JavaScript mean the same here, or what they mean is warned of."""

from __future__ import annotations

import random
from typing import Any

import pytest

from coop_rules.matching.dialect import translate
from coop_rules.matching.regex import options, re2, regex_problem, regex_warnings
from coop_rules.matching.text import PatternSet, ScannerCache
from coop_rules.signal.signal import Matching


def found(pattern: str, text: str) -> bool:
    assert regex_problem(pattern) is None
    return bool(ScannerCache().scanner([PatternSet(Matching.REGEX, [pattern])]).scan(text))


# ECMAScript's WhiteSpace and LineTerminator.
SPACES = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)


def test_white_space() -> None:
    """White space is that of all scripts, and a no-break space hides nothing."""
    for space in SPACES:
        assert found(r"free\s+money", f"free{space}money"), hex(ord(space))
        assert found(r"free[-\s]money", f"free{space}money"), hex(ord(space))
        assert not found(r"\S", space), hex(ord(space))
        assert not found(r"[\S]", space), hex(ord(space))
        assert not found(r"[^\s]", space), hex(ord(space))
        assert found(r"[^\S\x00]", space), hex(ord(space))
    for other in "a_\u200b\u180e\u2060\x08\x0e\x1f!\u009f\U0001f600":
        assert not found(r"\s", other), hex(ord(other))
        assert found(r"^\S$", other), hex(ord(other))
        assert found(r"^[\S]$", other), hex(ord(other))


@pytest.mark.parametrize(
    ("pattern", "texts", "others"),
    [
        (r"\u00e9", "éÉ", "e"),
        (r"[\u200b-\u200d]", "\u200b\u200c\u200d", "\u200e"),
        (r"[a\u0430-\u044f]", "aбЯ", "b"),
        (r"[^\u0000-\u007f]", "é日😀", "a~"),
        (r"[\u0080-\uffff]", "é日😀", "a~"),
        (r"\ud83d\ude00", "😀", "😁"),
        (r"\uD83C[\uDC00-\uDFFF]", "\U0001f000\U0001f3ff", "😀"),
        (r"[\ud83c-\ud83d][\ude00-\ude4f]", "😀🙏\U0001f21a", "\u263a😁"[:1]),
        (r"[\ud800-\udbff][\udc00-\udfff]", "😀\U00010000\U0010ffff", "\ufffd"),
        (r"\x41\cJ", ["a\n"], "a"),
        (r"[\b]", "\b", "b"),
        (r"[\t-\r]", "\n\v", " "),
        (r"[\0-\x1f]", "\x00\x1f", " "),
    ],
)
def test_characters_by_number(pattern: str, texts: Any, others: str) -> None:
    """Characters are named by numbers, alone, as pairs of halves and in ranges, without a
    warning."""
    for text in texts:
        assert found(pattern, text), ascii(text)
    for text in others:
        assert not found(pattern, text), ascii(text)
    assert regex_warnings(pattern) == ()


@pytest.mark.parametrize(
    ("pattern", "text", "warning"),
    [
        (r"\p{L}+", "é", r"\p is a class of Unicode's"),
        (r"[\P{L}]", "1", r"\P is a class of Unicode's"),
        ("[[:alpha:]]", "a", "[:alpha:] is a class of POSIX"),
        (r"\Afree", "free", r"\A is the beginning of the text"),
        (r"free\z", "free", r"\z is the end of the text"),
        (r"\a", "\a", r"\a is the character U+0007"),
        (r"\Q[x]\E", "[x]", r"\Q is the beginning of what is taken as it stands"),
        ("[]a]", "]", "] first in a class is a member of it"),
        ("[^]a]", "b", "] first in a class is a member of it"),
        ("[😀😁]", "😁", "a character beyond U+FFFF in a class is itself"),
        (r"[\ud83d\ude00]", "😀", "a character beyond U+FFFF in a class is itself"),
        ("^😀{2}$", "😀😀", "the whole character is repeated"),
        (r"\ud83d\ude00+", "😀", "the whole character is repeated"),
        (r"\u{1F600}", "😀", r"\u{1F600} is the character of that number"),
        (r"[\u{1F600}-\u{1F64F}]", "😃", r"\u{1F600} is the character of that number"),
        (r"\x{41}", "a", r"\x{41} is the character of that number"),
        (r"\ud83d", "😀", "half of a character stands for all that begin with it"),
    ],
)
def test_warnings(pattern: str, text: str, warning: str) -> None:
    """What RE2 reads otherwise than JavaScript works as RE2 reads it, and is warned of."""
    assert found(pattern, text)
    assert any(one.startswith(warning) or warning in one for one in regex_warnings(pattern))


@pytest.mark.parametrize(
    "pattern", [r"\bfree\b", "a😀b", r"\u00e9", r"[^\s]+", r"\d{2}", "x|[y-z]"]
)
def test_the_ordinary_is_not_warned_of(pattern: str) -> None:
    """What means the same in both is not warned of."""
    assert regex_warnings(pattern) == ()


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"\ude00", "second half of a character"),
        (r"[a\ude00]", "second half of a character"),
        (r"[abc", "missing ]"),
        (r"\u12", "invalid escape"),
        (r"[z-\u0041]", "invalid character class range"),
        (r"a\s(?=b)", "invalid perl operator"),
    ],
)
def test_refused(pattern: str, reason: str) -> None:
    """What is no regex is still refused, whatever was rewritten in it."""
    problem = regex_problem(pattern)
    assert problem is not None
    assert reason in problem


def test_large_with_white_space() -> None:
    """Patterns as large as were always allowed stay so, though white space has become wide."""
    assert regex_problem(r"https?://\S{1,300}") is None
    assert "too large" in (regex_problem(r"\S{1,950}") or "")


_PIECES = (
    *"abz-[]^\\()|*+?.1$&{}:",
    *(r"\d", r"\w", r"\W", r"\t", r"\n", r"\r", r"\0", r"\x41", r"\pN", r"\p{L}", r"\x{41}"),
    *(r"\-", r"\]", r"\[", r"\.", r"\_", r"\/", r"\^", "[:alpha:]", "{2}"),
)
_TEXTS = (
    "",
    "a",
    "b-z",
    "[a]",
    "A1",
    "\t\r",
    "\x00",
    "^",
    "\\",
    "aab]",
    "zz:",
    ".a.",
    "pN",
    "&",
    "]a",
    "-]",
    "{2}",
    "_/",
)


def test_nothing_else_changes() -> None:
    """Whatever a rewritten pattern holds besides means what RE2 makes of it."""
    random_ = random.Random(11)

    def compiled(pattern: str) -> Any:
        try:
            return re2.compile(pattern, options())
        except re2.error:
            return None

    compared = 0
    while compared < 3_000:
        pattern = "".join(random_.choice(_PIECES) for _ in range(random_.randint(2, 9)))
        made = translate(pattern).pattern
        if made == pattern:
            continue
        before, after = compiled(pattern), compiled(made)
        assert (before is None) is (after is None), (pattern, made)
        if before is None:
            continue
        compared += 1
        for text in _TEXTS:
            same = (before.search(text) is None) is (after.search(text) is None)
            assert same, (pattern, made, text)
