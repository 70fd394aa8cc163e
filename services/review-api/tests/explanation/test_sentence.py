"""A condition reads the same wherever it is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from coop_review_api.explanation import words
from coop_rules.language.model import Leaf
from coop_rules.language.parse import parse_condition_set
from coop_rules.signal.catalogue import SignalCatalogue

TABLE = json.loads(Path(__file__).with_name("condition_sentences.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", TABLE["vectors"], ids=lambda vector: vector["says"][:60])
def test_a_condition_is_said_as_the_console_says_it(vector: dict[str, Any]) -> None:
    """The words of an explanation are those of the table, which the console's test reads too."""
    parsed = parse_condition_set({"conjunction": "AND", "conditions": [vector["condition"]]})
    (leaf,) = parsed.conditions
    assert isinstance(leaf, Leaf)
    assert words.condition(leaf, SignalCatalogue.builtin(), TABLE["banks"]) == vector["says"]


def test_the_signals_of_the_table_are_called_so() -> None:
    """What the console is told of signals is what the catalogue says."""
    for name, called in TABLE["signals"].items():
        signal = SignalCatalogue.builtin().get(name)
        assert signal is not None
        assert signal.display_name == called
