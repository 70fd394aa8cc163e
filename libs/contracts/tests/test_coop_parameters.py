"""Action parameters, held against what Coop's own code makes of the same values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from coop_contracts.action import resolve_values
from coop_contracts.config import ActionParameter

_, *ROWS = (
    json.loads(line)
    for line in (Path(__file__).parent / "vectors/parameters.jsonl").read_text().splitlines()
)


@pytest.mark.parametrize("row", ROWS, ids=map(str, range(1, len(ROWS) + 1)))
def test_parameters_are_read_as_by_coop(row: dict[str, Any]) -> None:
    """The same values are accepted, and the same come into `custom`. There are no differences."""
    parameters = tuple(msgspec.convert(one, ActionParameter) for one in row["parameters"])
    resolved, faults = resolve_values(parameters, row["values"])
    assert (not faults) == row["ok"], faults
    if row["ok"]:
        assert resolved == row["out"]


def test_the_vectors_are_there() -> None:
    """All of them were read."""
    assert len(ROWS) == 230
