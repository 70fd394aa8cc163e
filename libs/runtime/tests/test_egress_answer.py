"""What others answer."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from coop_runtime.egress.answer import MAX_DEPTH, UnreadableAnswer, read_answer


class Form(Struct):
    name: str


def nested(depth: int, begin: bytes = b"[", end: bytes = b"]") -> bytes:
    return begin * depth + b"1" + end * depth


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b'{"a":[1,null]}', {"a": [1, None]}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        ('"é"'.encode(), "é"),
        (b'"' + b"[" * 1000 + b'"', "[" * 1000),
        (b'{"a":1,"a":2}', {"a": 2}),
    ],
)
def test_what_is_read(content: bytes, value: Any) -> None:
    """JSON in UTF-8, with or without a byte order mark; of a repeated name the last value."""
    assert read_answer(content) == value


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not JSON"),
        (b"<html>", "is not JSON"),
        (b'{"a":1', "is not JSON"),
        (b'{"a":NaN}', "is not JSON"),
        (b'{"a":' + b"9" * 5000 + b"}", "is of another form"),
        (rb'{"a":"\ud800"}', "is not JSON"),
        (b'{"a":"caf\xe9"}', "is not in UTF-8"),
        ('{"a":1}'.encode("utf-16"), "is not in UTF-8"),
        (nested(MAX_DEPTH + 1), "nests deeper"),
        (nested(MAX_DEPTH + 1, b'{"a":', b"}"), "nests deeper"),
        (nested(900), "nests deeper"),
        (nested(100_000), "nests deeper"),
    ],
)
def test_what_is_not_read(content: bytes, says: str) -> None:
    """Each fault by its name, whatever it is; nothing of the answer is quoted."""
    with pytest.raises(UnreadableAnswer, match=says) as caught:
        read_answer(content)
    assert len(str(caught.value)) < 40


def test_the_deepest_answer() -> None:
    """So many levels are read."""
    assert read_answer(nested(MAX_DEPTH)) is not None


def test_a_form() -> None:
    """A wanted form is given, another one refused."""
    assert read_answer(b'{"name":"n","more":1}', Form) == Form("n")
    for content in (b'{"name":1}', b"[]", b"{}"):
        with pytest.raises(UnreadableAnswer, match="another form"):
            read_answer(content, Form)


def test_texts_of_items_are_mended() -> None:
    """As in what platforms send to us, one odd text does not lose the answer."""
    content = rb'{"a":"x\ud83d","b":"\u0000","c":"' + b'\xff"}'
    assert read_answer(content, mended=True) == {"a": "x\ufffd", "b": "\ufffd", "c": "\ufffd"}


@given(st.binary(max_size=60), st.booleans())
def test_nothing_else_is_raised(content: bytes, mended: bool) -> None:
    """Whatever comes is a value, or unreadable."""
    with contextlib.suppress(UnreadableAnswer):
        read_answer(content, mended=mended)
