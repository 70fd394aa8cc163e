"""The ids of Coop's jobs, read."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_review_api.moving.coop_job_id import guid_of, item_of

from .coop_history import b, external

GUID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@given(type_id=words, item_id=words)
def test_whatever_an_item_is_called(type_id: str, item_id: str) -> None:
    """With padding, and with `+` and `/`, of which Coop replaces the first alone."""
    made = external(type_id, item_id, GUID)
    assert item_of(made) == (type_id, item_id)
    assert guid_of(made) == GUID


def test_as_coop_wrote_them_before() -> None:
    """With a colon between the parts, inside what is encoded once more."""
    inner = base64.b64encode(f"{b('t1')}:{b('p1')}".encode()).decode()
    assert item_of(f"{inner}:{b(GUID)}") == ("t1", "p1")


@pytest.mark.parametrize(
    "text", ["", ":", "?", "a:b", b("no-guid"), f"{b('x')}:{b('no-guid')}", "é"]
)
def test_what_is_no_such_id(text: str) -> None:
    """It is none, and no exception."""
    assert guid_of(text) is None
    assert item_of(text) is None
