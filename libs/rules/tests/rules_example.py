"""An item type, banks and condition builders that the tests share."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from coop_contracts.config import (
    Bounds,
    Container,
    Field,
    Geometry,
    ItemType,
    Location,
    LocationBank,
    Point,
    ScalarType,
    TextBank,
)
from coop_contracts.event import RuleRef, SignalValue
from coop_rules.program.compiler import CompilerCache, compile_program
from coop_rules.program.program import EnabledRule, Program
from coop_rules.signal.catalogue import SignalCatalogue

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def array(name: str, scalar: str) -> Field:
    container = Container(container_type="ARRAY", value_scalar_type=ScalarType(scalar))
    return Field(name=name, type="ARRAY", container=container)


def text_map(name: str) -> Field:
    container = Container(
        container_type="MAP",
        value_scalar_type=ScalarType.STRING,
        key_scalar_type=ScalarType.STRING,
    )
    return Field(name=name, type="MAP", container=container)


POST = ItemType(
    id="post",
    name="Post",
    kind="CONTENT",
    version="2026-01-01T00:00:00.000000Z",
    fields=(
        Field(name="title", type=ScalarType.STRING),
        Field(name="likes", type=ScalarType.NUMBER),
        array("scores", "NUMBER"),
        array("tags", "STRING"),
        text_map("captions"),
        Field(name="public", type=ScalarType.BOOLEAN),
        Field(name="sent", type=ScalarType.DATETIME),
        Field(name="author", type=ScalarType.USER_ID),
        Field(name="picture", type=ScalarType.IMAGE),
        Field(name="media", type=ScalarType.MEDIA),
        Field(name="link", type=ScalarType.URL),
        Field(name="place", type=ScalarType.GEOHASH),
        Field(name="clip", type=ScalarType.VIDEO),
        array("numbers", "NUMBER"),
        Field(name="topic", type=ScalarType.ID),
    ),
)
USER = ItemType(
    id="user",
    name="User",
    kind="USER",
    version="2026-01-01T00:00:00.000000Z",
    fields=(Field(name="name", type=ScalarType.STRING),),
)
COMMENT = ItemType(
    id="comment",
    name="Comment",
    kind="CONTENT",
    version="2026-01-01T00:00:00.000000Z",
    fields=(Field(name="body", type=ScalarType.STRING),),
)
ITEM_TYPES = {"post": POST, "comment": COMMENT}
BANKS = {
    "words": TextBank(id="words", name="Words", type="STRING", strings=("spam", "Straße")),
    "regexes": TextBank(id="regexes", name="Regexes", type="REGEX", strings=(r"fr[e3]{2}\b",)),
}
PARIS = Location(id="paris", geometry=Geometry(center=Point(lat=48.85, lng=2.35), radius=20.0))
NORTH = Location(
    id="north",
    geometry=Geometry(center=Point(lat=60.0, lng=0.0)),
    bounds=Bounds(
        northeast_corner=Point(lat=80.0, lng=170.0), southwest_corner=Point(lat=50.0, lng=-170.0)
    ),
)
LOCATION_BANKS = {"places": LocationBank(id="places", name="Places", locations=(PARIS,))}
ALL_TEXT = {"type": "CONTENT_COOP_INPUT", "name": "All text"}


def field(name: str, type_id: str = "post") -> dict[str, Any]:
    return {"type": "CONTENT_FIELD", "name": name, "contentTypeId": type_id}


def leaf(source: dict[str, Any], comparator: str | None = None, threshold: Any = None) -> Any:
    found: dict[str, Any] = {"input": source}
    if comparator is not None:
        found["comparator"] = comparator
    if threshold is not None:
        found["threshold"] = threshold
    return found


def text(
    *strings: str, kind: str = "CONTAINS_TEXT", source: Any = None, banks: tuple[str, ...] = ()
) -> dict[str, Any]:
    name = f"TEXT_MATCHING_{kind}"
    matching: dict[str, Any] = {}
    if strings:
        matching["strings"] = list(strings)
    if banks:
        matching["textBankIds"] = list(banks)
    return {
        "input": ALL_TEXT if source is None else source,
        "signal": {"id": json.dumps({"type": name}), "type": name},
        "matchingValues": matching,
    }


def signal(
    name: str,
    source: Any,
    comparator: str | None = None,
    threshold: Any = None,
    **others: Any,
) -> dict[str, Any]:
    """A leaf with a signal; `others` are its matching values, `subcategory` and `args`."""
    found: dict[str, Any] = leaf(source, comparator, threshold)
    found["signal"] = {"id": json.dumps({"type": name}), "type": name}
    for key in ("subcategory", "args"):
        if key in others:
            found["signal"][key] = others.pop(key)
    return {**found, "matchingValues": others} if others else found


def transcribed(source: Any) -> dict[str, Any]:
    spec = {"source": source, "derivationType": "VIDEO_TRANSCRIPTION"}
    return {"type": "CONTENT_DERIVED_FIELD", "spec": spec}


def counted(
    *group_by: Any, condition_set: Any = None, seconds: float = 3600, threshold: Any = 3
) -> dict[str, Any]:
    clause = {
        "id": "any",
        "aggregation": {"type": "COUNT"},
        "groupBy": list(group_by),
        "window": {"sizeMs": seconds * 1000, "hopMs": 60_000},
    }
    if condition_set is not None:
        clause["conditionSet"] = condition_set
    args = {"aggregationClause": clause}
    return signal("AGGREGATION", {"type": "FULL_ITEM"}, "GREATER_THAN", threshold, args=args)


def given(
    compiled: Program, key: int, *scores: Any, errors: tuple[str | None, ...] = ()
) -> dict[str, list[SignalValue]]:
    """Values for the program's need of this index."""
    need = compiled.needs[key]
    values = [
        SignalValue(key=need.key, signal=need.signal.name, position=position, score=score)
        for position, score in enumerate(scores)
    ]
    values += [
        SignalValue(key=need.key, signal=need.signal.name, position=position, error=error)
        for position, error in enumerate(errors, len(scores))
    ]
    return {need.key: values}


def negated(condition: Any) -> dict[str, Any]:
    return {"conjunction": "NOT", "conditions": [condition]}


def both(*conditions: Any) -> dict[str, Any]:
    return {"conjunction": "AND", "conditions": list(conditions)}


def either(*conditions: Any) -> dict[str, Any]:
    return {"conjunction": "OR", "conditions": list(conditions)}


def one_of(*conditions: Any) -> dict[str, Any]:
    return {"conjunction": "XOR", "conditions": list(conditions)}


def rule(condition_set: Any, rule_id: str = "r0", **others: Any) -> EnabledRule:
    ref = RuleRef(id=rule_id, name=f"Rule {rule_id}", revision=7)
    return EnabledRule(ref=ref, status="LIVE", condition_set=condition_set, **others)


ANYWHERE = SignalCatalogue(
    msgspec.structs.replace(found, allowed_in_rules=True, unfit_for_routing="")
    for found in SignalCatalogue.builtin().values()
)
"""Every signal in every kind of rule: what the language makes of them is one thing."""


def program(*condition_sets: Any, cache: CompilerCache | None = None, **others: Any) -> Program:
    """A program of rules r0, r1, … over POST."""
    rules = [rule(found, f"r{index}") for index, found in enumerate(condition_sets)]
    return compile_program(
        rules,
        item_type=POST,
        text_banks=BANKS,
        location_banks=LOCATION_BANKS,
        cache=cache,
        **others,
    )


def outcome(condition_set: Any, data: dict[str, Any], **others: Any) -> bool | None:
    """The outcome of one rule on one item."""
    evaluation = program(condition_set).evaluate(data, at=NOW, trace=True, **others)
    return evaluation.outcomes[0][1]
