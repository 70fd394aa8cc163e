"""YAML files: what is written is read back, by us and by others."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from coop_cli.yaml_text import YamlError, read_yaml, write_yaml

_text = st.text(st.characters(exclude_categories=["Cs"]))
_TRICKY = """
no on Yes ~ null 1:20 0x1f 1e5 .inf 2026-01-01 << = - ? a:b a_# &x *x !x 0 -1 1_000 1.0 nan
"""
_tricky = st.sampled_from(_TRICKY.split())
_scalar = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text
    | _tricky
)
_data = st.recursive(
    _scalar, lambda inner: st.lists(inner) | st.dictionaries(_text | _tricky, inner), max_leaves=20
)


@settings(max_examples=300)
@given(st.dictionaries(_text | _tricky, _data))
def test_what_is_written_is_read_back(data: dict[str, Any]) -> None:
    """Any data of JSON survives, for our reader and for a plain YAML 1.1 reader, and is written the
    same again."""
    text = write_yaml(data)
    assert read_yaml(text or "{}") == data
    assert yaml.safe_load(text or "{}") == data
    assert write_yaml(read_yaml(text or "{}")) == text


def test_a_file_reads_well() -> None:
    """Nested objects and lists are in block style, plain words without quotes."""
    text = write_yaml(
        {"name": "Spam rule", "itemTypes": ["Post"], "set": {"or": [{"a": 1, "b": []}]}}
    )
    assert text == ("name: Spam rule\nitemTypes:\n  - Post\nset:\n  or:\n    - a: 1\n      b: []\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: 1\na: 2", "line 2: a is there twice"),
        ("a: !!python/object:os.system x", "line 1"),
        ("a: !!timestamp 2026-01-01", "line 1"),
        ("1: a", "line 1: a key must be text"),
        ("a: [1", "line 2"),
        ("a: b: c", "line 1"),
    ],
)
def test_what_is_no_yaml_of_ours_is_refused(text: str, reason: str) -> None:
    """A second key, a tag, a key that is no text, and broken YAML are refused with the line."""
    with pytest.raises(YamlError, match=reason):
        read_yaml(text)


def test_what_looks_like_a_date_is_text() -> None:
    """Words that YAML 1.1 takes for something else are what they say."""
    assert read_yaml("a: no\nb: 2026-01-01\nc: 1:20\nd: 0x10\n<<: e\nf: true\ng:") == {
        "a": "no",
        "b": "2026-01-01",
        "c": "1:20",
        "d": "0x10",
        "<<": "e",
        "f": True,
        "g": None,
    }
