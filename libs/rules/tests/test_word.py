"""Whole words by Unicode's rules."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coop_rules.matching.text import PatternSet, ScannerCache
from coop_rules.matching.word import DELIMITER, delimit, fold, fold_spaces, joined, whole
from coop_rules.signal.signal import Matching


def word(string: str, text: str) -> bool:
    return bool(ScannerCache().scanner([PatternSet(Matching.WORD, [string])]).scan(text))


@pytest.mark.parametrize(
    ("string", "text", "found"),
    [
        ("spam", "no #SPAM!", True),
        ("spam", "spammer", False),
        ("spam", "antispam", False),
        ("spam", "spam_filter", False),  # a connector continues the word
        ("spam", "spam2", False),
        ("can", "I can't", True),  # an apostrophe does not
        ("can", "I can’t", True),
        ("free money", "FREE\n  MONEY now", True),  # any white space is one space
        ("free money", "free-money", False),
        ("free money", "carefree money", False),
        ("c++", "C++, Rust", True),
        ("c++", "c++11", True),  # its own end is no letter
        ("c++", "objc++", False),
        ("@admin", "hi @admin!", True),
        ("🍆", "🍆🍆", True),
        ("❤", "❤\ufe0f", True),
        # accents, composed or not, and marks that follow
        ("école", "E\u0301COLE", True),
        ("e\u0301cole", "l'ÉCOLE", True),
        ("ecole", "école", False),
        ("cafe", "cafe\u0301", False),
        ("x", "x\u0302", False),
        ("x\u0302", "(x\u0302)", True),
        # full case folding: the folded text is longer, and boundaries are those of the folded text
        ("strasse", "in der STRAßE!", True),
        ("Straße", "STRASSEN", False),
        ("Maß", "maßMASS", False),
        ("ﬁx", "FIX", True),
        ("ς", "Σ", True),
        # Turkish
        ("istanbul", "İSTANBUL!", True),
        ("istanbul", "I\u0307STANBUL", True),
        ("İstanbul", "istanbul ISTANBUL", True),
        ("sik", "sık sık", False),
        ("i", "İ", True),
        ("i", "İn", False),
        # other scripts
        ("война", "«Война»", True),
        ("война", "войнами", False),
        ("שלום", "שלום!", True),
        ("كلب", "الكلب", False),
        ("傻逼", "你真傻逼啊", True),  # no spaces: anywhere
        ("ばか", "おまえばかだね", True),
        ("カ", "カタカナ", False),  # katakana forms words
        ("カタカナ", "これはカタカナです", True),
        ("카", "카카오", False),  # so does hangul
        ("ควย", "ไอ้ควยเอ๊ย", True),
        ("spam", "这是spam吗", True),
        ("spam", "这是spammer吗", False),
    ],
)
def test_whole_word(string: str, text: str, found: bool) -> None:
    """A keyword is found as a whole word, by the rules that `word` states."""
    assert word(string, text) is found


pieces = st.sampled_from("aAbBsSßéÉİı _-'1²\u0301\u200dжЖ字ひカーกิ카🍆\n\x00")
texts = st.text(pieces, max_size=20)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.text(pieces, min_size=1, max_size=4), min_size=1, max_size=6), texts)
def test_words_equal_naive(strings: list[str], text: str) -> None:
    """Each keyword alone and all together find what trying every place finds."""
    strings = [one for one in strings if fold_spaces(one).strip()]
    normal = fold_spaces(text)
    want = set()
    for index, string in enumerate(strings):
        looked = fold_spaces(string).strip()
        places = range(len(normal) - len(looked) + 1)
        if any(
            normal.startswith(looked, at) and whole(normal, at, at + len(looked)) for at in places
        ):
            want.add(index)
    if strings:
        sets = [PatternSet(Matching.WORD, [one]) for one in strings]
        assert set(ScannerCache().scanner(sets).scan(text)) == want
        assert word(strings[0], text) == (0 in want)


@given(st.text())
def test_fold_is_canonical_and_stable(text: str) -> None:
    """Canonically equal texts fold alike, and folding twice changes nothing."""
    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(text)
    assert fold(unicodedata.normalize("NFC", text)) == fold(text)


@given(texts)
def test_delimiters_are_at_boundaries(text: str) -> None:
    """`delimit` marks exactly the places where `joined` says that no word goes on."""
    text = text.replace(DELIMITER, "")
    pieces = delimit(text).strip(DELIMITER).split(DELIMITER) if text else []
    assert "".join(pieces) == text
    for piece in pieces:
        assert all(joined(a, b) for a, b in pairwise(piece))
    assert not any(joined(a[-1], b[0]) for a, b in pairwise(pieces))
