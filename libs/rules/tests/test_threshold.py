"""Thresholds as they are written: numbers, texts, times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_rules.language.threshold import ComparisonFamily, read_number, read_threshold

NUMBER, TIME, BOOLEAN = (
    ComparisonFamily.NUMBER,
    ComparisonFamily.DATETIME,
    ComparisonFamily.BOOLEAN,
)


@given(st.integers(-(2**80), 2**80))
def test_a_number_as_text_is_as_exact_as_a_number(number: int) -> None:
    """Coop's client writes thresholds as text: none becomes its neighbour."""
    assert read_threshold(str(number), NUMBER) == number == read_threshold(number, NUMBER)
    assert read_threshold(str(number + 1), NUMBER) != number


@pytest.mark.parametrize(
    ("given", "found"),
    [("1.5", 1.5), (" 7 ", 7), ("0x10", 16), ("1e3", 1000.0), (".5", 0.5), (3, 3), (2.5, 2.5)],
)
def test_what_is_a_number(given: Any, found: float) -> None:
    """The forms that an item's NUMBER field takes."""
    assert read_threshold(given, NUMBER) == found


@pytest.mark.parametrize(
    "given",
    ["1_000", "1,000", "\u0661\u0662\u0663", "\uff11", "", " ", "NaN", "inf", "Infinity", "1e999",
     True, float("nan"), None, [1]],
)  # fmt: skip
def test_what_is_no_number(given: Any) -> None:
    """No underscores, no digits of other scripts, nothing that is none: never a guess."""
    assert read_number(given) is None


@pytest.mark.parametrize("given", ["\uff11", "1_0", "10", "yes", ""])
def test_what_is_no_boolean(given: str) -> None:
    """A boolean's threshold is one of four words."""
    assert read_threshold(given, BOOLEAN) is None


@pytest.mark.parametrize(
    "given",
    ["2026-03-01T12:00:00Z", "2026-03-01T12:00z", "2026-03-01 13:00:00+01", "20260301T120000Z",
     "2026-02-28T36:00Z", "2026-03-01T11:59:60Z"],
)  # fmt: skip
def test_times_of_all_ordinary_forms(given: str) -> None:
    """What an item's field takes is a threshold too; a day that does not exist is none."""
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert read_threshold(given, TIME) == (None if "36:00" in given else noon)
