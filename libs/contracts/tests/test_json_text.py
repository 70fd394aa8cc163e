"""JSON text that nothing behind could hold as it is."""

from __future__ import annotations

import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_contracts.json_text import lost_texts, storable


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb'["claim now \ud83d"]', "claim now \ufffd"),
        (rb'["\ude00 now"]', "\ufffd now"),
        (rb'["\uD83D\uDE00"]', "\U0001f600"),
        (rb'["\ud83d\ud83d\ude00\ude00"]', "\ufffd\U0001f600\ufffd"),
        (rb'["a\u0000b"]', "a\ufffdb"),
        (rb'["\\ud83d"]', "\\ud83d"),
        (rb'["\\\ud83d"]', "\\\ufffd"),
        (rb'["\\\\u0000"]', "\\\\u0000"),
        (rb'["\\ud83d\ude00"]', "\\ud83d\ufffd"),
        (rb'["\ud83d\\ude00"]', "\ufffd\\ude00"),
        (rb'["\n\ud83d\n"]', "\n\ufffd\n"),
        (b'["caf\xe9"]', "caf\ufffd"),
        (b'["cut \xf0\x9f\x98"]', "cut \ufffd"),
        (b'\xef\xbb\xbf["x"]', "x"),
        ('["é\U0001f600"]'.encode(), "é\U0001f600"),
    ],
)
def test_what_cannot_be_kept_is_replaced(raw: bytes, text: str) -> None:
    """U+FFFD stands for half a pair, U+0000, a wrong byte; escaped backslashes begin nothing."""
    assert json.loads(storable(raw)) == [text]


@pytest.mark.parametrize("raw", [b"[]", rb'["\ud83d\ude00\\ud83d"]', "[é]".encode(), b"\x01", b""])
def test_what_can_be_kept_is_the_same_object(raw: bytes) -> None:
    """Who asks can tell by identity that nothing was changed."""
    assert storable(raw) is raw


strange = st.lists(
    st.sampled_from(["\\u0000", "\\ud83d", "\\ude00", "\\\\", "\\n", "\\u00e9", "é", "ud83d", "0"])
).map(lambda parts: '["' + "".join(parts) + '"]')


@given(strange)
def test_the_rest_stays(sent: str) -> None:
    """Whatever escapes stand side by side, Python's reading of them agrees."""
    meant = json.loads(sent)[0].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    expected = json.loads(sent)[0].replace("\0", "\ufffd").encode("utf-16", "surrogatepass")
    found = json.loads(storable(sent.encode()))[0]
    assert "\0" not in found
    assert found.isascii() or found.encode()  # no half pair
    assert len(found) == len(meant)
    assert found == expected.decode("utf-16", "replace")


def test_where_it_was_is_told() -> None:
    """Pointers to the strings and the names."""
    raw = (
        rb'{"items":[{"a":"fine"},{"b":"\ud83d","n\u0000":1,"deep":[["\u0000"]]}],"t":"' + b'\xff"}'
    )
    assert list(lost_texts(raw)) == [
        "/items/1/b",
        "/items/1/n\ufffd",
        "/items/1/deep/0/0",
        "/t",
    ]
    assert list(lost_texts(b"{")) == []


@pytest.mark.parametrize(
    "part", [rb"\ud83d", rb"\u0000", rb"\\", rb"\\\ud83d", rb"\ud83d\ude00", b"\xff"]
)
def test_a_large_text_costs_little(part: bytes) -> None:
    """Ten megabytes of the worst take no more than a moment."""
    raw: Any = b'["' + part * (10_000_000 // len(part)) + b'"]'
    started = process_time()
    storable(raw)
    assert process_time() - started < 3
