"""The dispatcher's internal API holds: today's structs and the frozen schema read each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from coop_contracts import export
from coop_contracts.compatibility import breaking_changes
from coop_contracts.dispatch import CALLS, Problem

FROZEN = Path(__file__).resolve().parents[1] / "frozen"
SCHEMA: dict[str, Any] = json.loads((FROZEN / "dispatch.v1.schema.json").read_text())
EXAMPLES: dict[str, Any] = json.loads((FROZEN / "dispatch.v1.example.json").read_text())

SIDES = pytest.mark.parametrize("side", ["asks", "answers"])
EACH_CALL = pytest.mark.parametrize("call", sorted(CALLS))


def kind_of(call: str, side: str) -> Any:
    return getattr(CALLS[call], side)


def schema_of(document: dict[str, Any], call: str, side: str) -> dict[str, Any]:
    return {**document["calls"][call][side], "$defs": document["$defs"]}


def test_no_call_was_dropped_or_moved() -> None:
    """Each call of version 1 is there, with its method, path and status."""
    today = export.dispatch_schema()
    assert today["root"] == SCHEMA["root"]
    for name, call in SCHEMA["calls"].items():
        found = today["calls"][name]
        for part in ("method", "path", "status"):
            assert found[part] == call[part], name


@SIDES
@EACH_CALL
def test_todays_schema_does_not_break_the_frozen_one(call: str, side: str) -> None:
    """Since version 1 nothing was removed, became required, or changed its type."""
    frozen, today = (
        schema_of(document, call, side) for document in (SCHEMA, export.dispatch_schema())
    )
    assert breaking_changes(frozen, today) == []


@SIDES
@EACH_CALL
def test_a_reader_of_the_frozen_schema_reads_todays_bytes(call: str, side: str) -> None:
    """Bytes encoded today are valid under the schema that was frozen."""
    example = export.dispatch_examples()[call][side]
    struct = msgspec.convert(example, kind_of(call, side))
    jsonschema.validate(
        json.loads(msgspec.json.encode(struct)),
        schema_of(SCHEMA, call, side),
        cls=jsonschema.Draft202012Validator,
    )


@SIDES
@EACH_CALL
def test_todays_reader_reads_the_frozen_bytes(call: str, side: str) -> None:
    """The frozen example decodes today, and says the same when it is encoded again."""
    frozen = EXAMPLES[call][side]
    again = json.loads(msgspec.json.encode(msgspec.convert(frozen, kind_of(call, side))))
    assert {name: again[name] for name in frozen} == frozen


@EACH_CALL
def test_a_member_from_the_future_is_ignored(call: str) -> None:
    """A caller of today reads the answer of a newer dispatcher."""
    answer = EXAMPLES[call]["answers"]
    kind = kind_of(call, "answers")
    assert msgspec.convert({**answer, "addedLater": [1]}, kind) == msgspec.convert(answer, kind)


@EACH_CALL
def test_what_the_path_names_is_asked_for(call: str) -> None:
    """Each name in a path is a required field of the question."""
    required = schema_of(export.dispatch_schema(), call, "asks")
    struct = required["$defs"][kind_of(call, "asks").__name__]
    assert set(CALLS[call].ids) <= set(struct["required"])


def test_a_refusal_is_frozen_too() -> None:
    """Problem bodies have not changed."""
    frozen, today = (
        {**document["problem"], "$defs": document["$defs"]}
        for document in (SCHEMA, export.dispatch_schema())
    )
    assert breaking_changes(frozen, today) == []
    refused = Problem(type="/problems/not-found", title="Not Found", status=404)
    jsonschema.validate(json.loads(msgspec.json.encode(refused)), frozen)
