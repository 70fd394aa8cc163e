"""Numbers written as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_contracts.number import parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("9007199254740993", 9007199254740993),
        (" -12 ", -12),
        ("\ufeff7\n", 7),
        ("+5", 5),
        ("5.", 5.0),
        (".5", 0.5),
        ("-1.5e3", -1500.0),
        ("1E2", 100.0),
        ("0x1F", 31),
        ("0X10", 16),
        ("0o17", 15),
        ("0b101", 5),
        ("007", 7),
    ],
)
def test_what_is_a_number(text: str, number: float) -> None:
    """The forms that ECMAScript reads are read, integers with all their digits."""
    found = parse_number(text)
    assert found == number
    assert type(found) is type(number)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "1_000", "1,000", "1 000", "\u0661\u0662", "\uff11", "\u00b2", "NaN", "Infinity",
        "-Infinity", "inf", "1e999", "9" * 401, "-0x1F", "0x", "0b2", "1e", "e5", ".", "+", "--1",
        "1.2.3", "0x1.8p1", "true", "12abc", "9" * 310,
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    """Everything else is none: no underscore, no other script's digit, nothing without end."""
    assert parse_number(text) is None


@given(st.integers(-(10**300), 10**300))
def test_an_integer_keeps_its_digits(whole: int) -> None:
    """Whatever is written comes back digit by digit."""
    assert parse_number(str(whole)) == whole


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    """Any text is a number or none; it never raises."""
    found = parse_number(text)
    assert found is None or isinstance(found, int | float)
