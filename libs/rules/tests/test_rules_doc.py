"""docs/rules.md says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from coop_contracts.config import Field, ItemType, ScalarType
from coop_rules.language import model
from coop_rules.language.check import check_condition_set
from coop_rules.signal.catalogue import SignalCatalogue
from coop_rules.signal.signal import LANES

from .rules_example import BANKS

PATH = Path(__file__).parents[3] / "docs" / "rules.md"
TEXT = PATH.read_text()


def signal_table() -> list[str]:
    """A row for each signal of the catalogue, by lane and name."""
    rows = ["| signal | takes | gives | lane |", "|---|---|---|---|"]
    catalogue = SignalCatalogue.builtin()
    for found in sorted(catalogue.values(), key=lambda t: (LANES.index(t.lane), t.cost, t.name)):
        takes = ", ".join(sorted(found.inputs)) or "FULL_ITEM"
        gives = {"BOOLEAN": "yes or no", "NUMBER": "a number", "STRING": "text"}.get(found.output)
        if gives is None:
            gives = " < ".join(found.order)
        if found.derivation:
            gives = f"the derived field {found.derivation}"
        if not found.allowed_in_rules:
            gives += " (routing rules only)"
        if found.unfit_for_routing:
            gives += " (not in routing rules)"
        rows.append(f"| `{found.name}` | {takes} | {gives} | {found.lane} |")
    return rows


def test_signals() -> None:
    """The table of signals is the catalogue's. (Write it again with the rows of `signal_table`.)"""
    inside = TEXT.partition("<!-- signals -->\n")[2].partition("<!-- /signals -->")[0]
    assert inside.strip().splitlines() == signal_table()


def test_names() -> None:
    """Every conjunction, comparator and input is explained."""
    for kind in (model.Conjunction, model.Comparator, model.InputType, model.CoopInput):
        for name in kind:
            assert f"`{name}`" in TEXT, name


def test_limits() -> None:
    """The limits are those that hold."""
    for limit in (
        f"{model.MAX_DEPTH} condition sets inside one another",
        f"{model.MAX_LEAVES} conditions in a rule",
        f"{model.MAX_STRINGS:,} strings in a condition",
        f"{model.MAX_THRESHOLDS:,} values in an `IN`",
        f"up to {model.MAX_GROUP_BY} single-valued",
        f"1 second to {model.MAX_WINDOW / 86400:.0f} days",
    ):
        assert limit in TEXT.replace("\n", " "), limit


def test_examples() -> None:
    """The examples are accepted as they are."""
    examples = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert examples
    post = ItemType(
        id="post",
        name="Post",
        kind="CONTENT",
        version="v",
        fields=(
            Field(name="text", type=ScalarType.STRING),
            Field(name="followers", type=ScalarType.NUMBER),
        ),
    )
    for example in examples:
        found = check_condition_set(
            json.loads(example),
            item_type_ids=("post",),
            item_types={"post": post},
            text_banks=BANKS,
        )
        assert found == []
