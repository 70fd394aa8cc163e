"""The APIs between services hold: today's structs and the frozen schemas read each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from coop_contracts import export
from coop_contracts.call import Problem
from coop_contracts.compatibility import breaking_changes

FROZEN = Path(__file__).resolve().parents[1] / "frozen"


def frozen_of(api: str, what: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FROZEN / f"{api}.v1.{what}.json").read_text())
    return found


SCHEMAS = {api: frozen_of(api, "schema") for api in export.APIS}
EXAMPLES = {api: frozen_of(api, "example") for api in export.APIS}

SIDES = pytest.mark.parametrize("side", ["asks", "answers"])
EACH_API = pytest.mark.parametrize("api", sorted(export.APIS))
EACH_CALL = pytest.mark.parametrize(
    ("api", "call"),
    [(api, call) for api in sorted(export.APIS) for call in sorted(export.APIS[api])],
)


def kind_of(api: str, call: str, side: str) -> Any:
    return getattr(export.APIS[api][call], side)


def schema_of(document: dict[str, Any], call: str, side: str) -> dict[str, Any]:
    return {**document["calls"][call][side], "$defs": document["$defs"]}


@EACH_API
def test_no_call_was_dropped_or_moved(api: str) -> None:
    """Each call of version 1 is there, with its method, path and status."""
    today = export.api_schema(api)
    assert today["root"] == SCHEMAS[api]["root"]
    for name, call in SCHEMAS[api]["calls"].items():
        found = today["calls"][name]
        for part in ("method", "path", "status"):
            assert found[part] == call[part], name


@SIDES
@EACH_CALL
def test_todays_schema_does_not_break_the_frozen_one(api: str, call: str, side: str) -> None:
    """Since version 1 nothing was removed, became required, or changed its type."""
    frozen, today = (
        schema_of(document, call, side) for document in (SCHEMAS[api], export.api_schema(api))
    )
    assert breaking_changes(frozen, today) == []


@SIDES
@EACH_CALL
def test_a_reader_of_the_frozen_schema_reads_todays_bytes(api: str, call: str, side: str) -> None:
    """Bytes encoded today are valid under the schema that was frozen."""
    example = export.api_examples(api)[call][side]
    struct = msgspec.json.decode(msgspec.json.encode(example), type=kind_of(api, call, side))
    jsonschema.validate(
        json.loads(msgspec.json.encode(struct)),
        schema_of(SCHEMAS[api], call, side),
        cls=jsonschema.Draft202012Validator,
    )


@SIDES
@EACH_CALL
def test_todays_reader_reads_the_frozen_bytes(api: str, call: str, side: str) -> None:
    """The frozen example decodes today, and says the same when it is encoded again."""
    frozen = EXAMPLES[api][call][side]
    struct = msgspec.json.decode(msgspec.json.encode(frozen), type=kind_of(api, call, side))
    again = json.loads(msgspec.json.encode(struct))
    assert {name: again[name] for name in frozen} == frozen


@EACH_CALL
def test_a_member_from_the_future_is_ignored(api: str, call: str) -> None:
    """A caller of today reads the answer of a newer service."""
    answer = EXAMPLES[api][call]["answers"]
    kind = kind_of(api, call, "answers")
    later, now = (
        msgspec.json.decode(msgspec.json.encode(one), type=kind)
        for one in ({**answer, "addedLater": [1]}, answer)
    )
    assert later == now


@EACH_CALL
def test_what_the_path_names_is_asked_for(api: str, call: str) -> None:
    """Each name in a path is a required field of the question."""
    required = schema_of(export.api_schema(api), call, "asks")
    struct = required["$defs"][kind_of(api, call, "asks").__name__]
    assert set(export.APIS[api][call].ids) <= set(struct.get("required", ()))


@EACH_API
def test_a_refusal_is_frozen_too(api: str) -> None:
    """Problem bodies have not changed."""
    frozen, today = (
        {**document["problem"], "$defs": document["$defs"]}
        for document in (SCHEMAS[api], export.api_schema(api))
    )
    assert breaking_changes(frozen, today) == []
    refused = Problem(type="/problems/not-found", title="Not Found", status=404)
    jsonschema.validate(json.loads(msgspec.json.encode(refused)), frozen)
