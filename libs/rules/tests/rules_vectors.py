"""Recordings of Coop's own code: conditions and regexes, with what Coop made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from coop_contracts.config import Container, Field, FieldRoles, ItemType, ScalarType, TextBank
from coop_contracts.event import ItemRef, RuleRef, SignalValue
from coop_rules.language.check import check_condition_set
from coop_rules.program.compiler import compile_program
from coop_rules.program.program import EnabledRule
from coop_rules.program.state import Facts

_FOLDER = Path(__file__).parent / "vectors"
_AT = datetime(2026, 1, 1, tzinfo=UTC)
OUTCOMES = {"PASSED": True, "FAILED": False, "INAPPLICABLE": False, "ERRORED": None}
"""What Coop says, as a rule's outcome here; INAPPLICABLE counts as false in both."""


def recorded(name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The first line of a recording, which describes it, and its rows."""
    lines = (_FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return rows[0], rows[1:]


def item_type(described: Mapping[str, Any]) -> ItemType:
    """The item type of the recording."""
    return ItemType(
        id=described["id"],
        name=described["name"],
        kind=described["kind"],
        version=described["version"],
        fields=tuple(_field(one) for one in described["schema"]),
        field_roles=FieldRoles(creator_id=described["schemaFieldRoles"]["creatorId"]),
    )


def _field(described: Mapping[str, Any]) -> Field:
    container = described["container"]
    if container is None:
        return Field(name=described["name"], type=ScalarType(described["type"]))
    key = container["keyScalarType"]
    return Field(
        name=described["name"],
        type=described["type"],
        container=Container(
            container_type=container["containerType"],
            value_scalar_type=ScalarType(container["valueScalarType"]),
            key_scalar_type=None if key is None else ScalarType(key),
        ),
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What our code says: why the rule would not be saved, or its outcome."""

    refused: tuple[str, ...] = ()
    outcome: bool | None = None


def answer(row: Mapping[str, Any], post: ItemType, **changed: Any) -> Answer:
    """Our answer to a row of conditions; `changed` replaces members of the row."""
    row = {**row, **changed}
    routing = bool(row.get("routing"))
    banks = {
        bank_id: TextBank(id=bank_id, name=bank_id, type="STRING", strings=tuple(strings))
        for bank_id, strings in row.get("banks", {}).items()
    }
    problems = check_condition_set(
        row["conditionSet"],
        item_type_ids=(post.id,),
        item_types={post.id: post},
        text_banks=banks,
        routing=routing,
    )
    if problems:
        return Answer(refused=tuple(problem.reason for problem in problems))
    rule = EnabledRule(
        ref=RuleRef(id="r", name="Rule", revision=1),
        status="LIVE",
        condition_set=row["conditionSet"],
    )
    program = compile_program([rule], item_type=post, text_banks=banks, routing=routing)
    creator = row.get("creator")
    facts = Facts.read(
        row["data"],
        at=_AT,
        creator=None if creator is None else ItemRef(creator["id"], creator["typeId"]),
        source=row.get("sourceType"),
        policy_ids=row.get("policyIds", ()),
    )
    values: dict[str, Sequence[SignalValue]] = {}
    for need in program.needs:
        said = row["signalResults"][need.signal.name]
        values[need.key] = [
            SignalValue(
                key=need.key,
                signal=need.signal.name,
                position=position,
                score=said.get("score"),
                error="away" if said.get("error") else None,
            )
            for position in range(len(program.inputs_of(need, facts)))
        ]
    evaluation = program.evaluate_facts(facts, trace=True, signals=values)
    return Answer(outcome=evaluation.outcomes[0][1])


def leaves(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The conditions of a condition set."""
    if "conditions" not in node:
        return [dict(node)]
    return [leaf for child in node["conditions"] for leaf in leaves(child)]
