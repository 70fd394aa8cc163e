"""No text of a user becomes code."""

from __future__ import annotations

import builtins
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coop_contracts.config import Field, ItemType, ScalarType
from coop_rules.program import shape as shape_module
from coop_rules.program.compiler import compile_program

from .rules_example import NOW, both, field, leaf, rule, text

NASTY = [
    "'); import os; os.abort() #",
    '"""',
    "\\",
    "\n    raise SystemExit",
    "{0}",
    "__class__",
    "s.data",
    "K0",
    "\x00",
    "a\u2028b",
    "None",
]


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.sampled_from(NASTY), st.text(min_size=1, max_size=20)), st.sampled_from(NASTY))
def test_names_and_strings_are_only_data(name: str, threshold: str) -> None:
    """A field with any name and a threshold with any text compare as data."""
    item_type = ItemType(
        id=name,
        name=name,
        kind="CONTENT",
        version="v",
        fields=(Field(name=name, type=ScalarType.STRING),),
    )
    conditions = both(leaf(field(name, name), "EQUALS", threshold))
    found = [rule(conditions, name), rule(both(text(threshold, source=field(name, name))), "t")]
    compiled = compile_program(found, item_type=item_type, text_banks={})
    assert compiled.evaluate({name: threshold}, at=NOW).passed() == [0, 1]
    assert compiled.evaluate({name: "harmless"}, at=NOW).passed() == []


@pytest.mark.parametrize("nasty", NASTY)
def test_source_holds_no_user_text(nasty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a user wrote is in what is compiled, and the code has no builtins."""
    seen: list[str] = []

    def record(code: str, name: str, mode: str) -> Any:
        seen.append(code)
        return builtins.compile(code, name, mode)

    monkeypatch.setattr(shape_module, "compile", record, raising=False)
    shape_module.factory.cache_clear()
    marked = f"MARK{nasty}"
    item_type = ItemType(
        id=marked,
        name=marked,
        kind="CONTENT",
        version="v",
        fields=(Field(name=marked, type=ScalarType.STRING),),
    )
    conditions = both(
        leaf(field(marked, marked), "EQUALS", marked), text(marked, source=field(marked, marked))
    )
    compiled = compile_program([rule(conditions, marked)], item_type=item_type, text_banks={})
    assert seen
    assert not any("MARK" in code for code in seen)
    assert compiled.rules[0].test.__globals__["__builtins__"] == {}
