"""The description of conditions is what the language reads."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from coop_review_api.configuration import condition_shape as shape
from coop_review_api.http.openapi import document
from coop_review_api.process.application import build
from coop_rules.language.model import ConditionError
from coop_rules.language.parse import parse_condition_set

FIELD = {"type": "CONTENT_FIELD", "name": "text", "contentTypeId": "comment"}
CLAUSE: dict[str, Any] = {
    "aggregation": {"type": "COUNT"},
    "window": {"sizeMs": 60_000, "hopMs": 60_000},
    "id": "one",
    "conditionSet": {"conjunction": "AND", "conditions": [{"input": {"type": "USER_ID"}}]},
    "groupBy": [{"type": "USER_ID"}],
}
SIGNAL: dict[str, Any] = {
    "type": "AGGREGATION",
    "id": '{"type": "AGGREGATION"}',
    "name": "Count",
    "subcategory": "any",
    "args": {"aggregationClause": CLAUSE},
}
MATCHING: dict[str, Any] = {
    "strings": ["a"],
    "textBankIds": ["a"],
    "locationBankIds": ["a"],
    "imageBankIds": ["a"],
    "locations": [],
}


def _set(**more: Any) -> dict[str, Any]:
    return {"conjunction": "AND", "conditions": [], **more}


def _of(**leaf: Any) -> dict[str, Any]:
    leaf = {"input": FIELD, **leaf}
    return {"conjunction": "AND", "conditions": [leaf]}


def _leaf(**more: Any) -> dict[str, Any]:
    whole = {"comparator": "IN", "threshold": ["a"], "signal": SIGNAL, "matchingValues": MATCHING}
    return _of(**whole, **more)


def _signal(**more: Any) -> dict[str, Any]:
    return _of(signal={**SIGNAL, **more})


def _clause(**more: Any) -> dict[str, Any]:
    return _signal(args={"aggregationClause": {**CLAUSE, **more}})


def _derived(**more: Any) -> dict[str, Any]:
    spec = {"source": FIELD, "derivationType": "ENGLISH_TRANSLATION", **more}
    return _of(input={"type": "CONTENT_DERIVED_FIELD", "spec": spec})


WHOLE: list[tuple[type[BaseModel], Any, dict[str, Any]]] = [
    (shape.ConditionSet, _set, _set()),
    (shape.Condition, _leaf, _leaf()["conditions"][0]),
    (shape.ConditionSignal, _signal, SIGNAL),
    (shape.ConditionMatching, lambda **more: _of(matchingValues={**MATCHING, **more}), MATCHING),
    (shape.CountClause, _clause, CLAUSE),
    (
        shape.CountWindow,
        lambda **more: _clause(window={**CLAUSE["window"], **more}),
        CLAUSE["window"],
    ),
    (shape.DerivedInput, _derived, _derived()["conditions"][0]["input"]["spec"]),
]
"""Each model, a condition set that has all of its members and some more, and these members."""


def _unknown(condition_set: dict[str, Any]) -> list[str]:
    try:
        parse_condition_set(condition_set)
    except ConditionError as error:
        return [one.pointer for one in error.problems if one.reason == "unknown property"]
    return []


def _names(model: type[BaseModel]) -> set[str]:
    return {to_camel(name) for name in model.model_fields}


@pytest.mark.parametrize(
    ("model", "made", "members"), WHOLE, ids=lambda one: getattr(one, "__name__", "")
)
def test_a_described_member_is_one_that_is_read(
    model: type[BaseModel], made: Any, members: dict[str, Any]
) -> None:
    """The language takes all members that are described, and none besides."""
    assert _names(model) == members.keys()
    parse_condition_set(made())
    assert len(_unknown(made(nobodys=1))) == 1


@pytest.mark.parametrize("body", ["RuleBody", "RoutingRuleBody"])
def test_a_bodys_conditions_are_described(body: str) -> None:
    """Whoever sends a rule learns of its conditions from the description."""
    models = document(build(None))["components"]["schemas"]  # type: ignore[arg-type]
    sent = models[body]["properties"]["conditionSet"]
    assert sent["$ref"] == "#/components/schemas/ConditionSet"
    assert models["SpotTestBody"]["properties"]["rule"]["anyOf"][0]["$ref"].endswith("/RuleBody")
