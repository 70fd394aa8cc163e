"""A small evaluator of condition JSON, written for the tests: no sharing, no order, no matchers."""

from __future__ import annotations

import operator
import re
from datetime import UTC, datetime
from typing import Any

from coop_contracts.config import ItemType, TextBank
from coop_contracts.event import ItemRef

COMPARE = {
    "EQUALS": operator.eq,
    "NOT_EQUAL_TO": operator.ne,
    "LESS_THAN": operator.lt,
    "LESS_THAN_OR_EQUALS": operator.le,
    "GREATER_THAN": operator.gt,
    "GREATER_THAN_OR_EQUALS": operator.ge,
}


def evaluate(
    node: dict[str, Any],
    item_type: ItemType,
    data: dict[str, Any],
    *,
    creator: ItemRef | None = None,
    banks: dict[str, TextBank] | None = None,
) -> bool | None:
    """True, False or None (unknown), every condition evaluated."""
    if "conditions" not in node:
        return _leaf(node, item_type, data, creator, banks or {})
    outcomes = [
        evaluate(child, item_type, data, creator=creator, banks=banks)
        for child in node["conditions"]
    ]
    yes, unknown = outcomes.count(True), outcomes.count(None)
    match node["conjunction"]:
        case "AND":
            return False if outcomes.count(False) else None if unknown else True
        case "OR":
            return True if yes else None if unknown else False
        case "XOR":
            if yes >= 2:
                return False
            return None if unknown else yes == 1
    raise AssertionError(node)


def _leaf(
    leaf: dict[str, Any],
    item_type: ItemType,
    data: dict[str, Any],
    creator: ItemRef | None,
    banks: dict[str, TextBank],
) -> bool | None:
    values, scalar = _values(leaf["input"], item_type, data, creator)
    if leaf.get("comparator") == "IS_NOT_PROVIDED":
        return not values
    if leaf.get("comparator") == "IS_UNAVAILABLE":
        return "signal" in leaf and any(not isinstance(value, str) for value in values)
    outcomes = [_one(leaf, value, scalar, banks) for value in values]
    return True if True in outcomes else None if None in outcomes else False


def _values(
    source: dict[str, Any], item_type: ItemType, data: dict[str, Any], creator: ItemRef | None
) -> tuple[list[Any], str]:
    if source["type"] == "USER_ID":
        return ([] if creator is None else [{"id": creator.id}]), "USER_ID"
    if source["type"] == "CONTENT_FIELD":
        if source["contentTypeId"] != item_type.id:
            return [], "STRING"
        field = next(f for f in item_type.fields if f.name == source["name"])
        scalar = field.container.value_scalar_type if field.container else field.type
        return _flat(data.get(field.name), field.container), str(scalar)
    texts = []
    for field in item_type.fields:
        scalar = field.container.value_scalar_type if field.container else field.type
        if scalar == "STRING":
            found = _flat(data.get(field.name), field.container)
            texts += [text for text in found if isinstance(text, str) and text]
    return ([" ".join(texts)] if texts else []), "STRING"


def _flat(value: Any, container: Any) -> list[Any]:
    if value is None:
        return []
    if container is not None and container.container_type == "ARRAY" and isinstance(value, list):
        return [entry for entry in value if entry is not None]
    if container is not None and container.container_type == "MAP" and isinstance(value, dict):
        return [entry for entry in value.values() if entry is not None]
    return [value]


def _one(leaf: dict[str, Any], value: Any, scalar: str, banks: dict[str, TextBank]) -> bool | None:
    comparator, threshold = leaf.get("comparator"), leaf.get("threshold")
    score: Any = value
    if "signal" in leaf:
        if not isinstance(value, str):
            return None
        scalar, score = "BOOLEAN", _matches(leaf, value, banks)
    elif scalar == "NUMBER":
        score = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        threshold = float(threshold)
    elif scalar == "STRING":
        score = value if isinstance(value, str) else None
    elif scalar == "USER_ID":
        found = value.get("id") if isinstance(value, dict) else None
        score = found if isinstance(found, str) else None
    elif scalar == "DATETIME":
        score, threshold = _time(value), _time(threshold)
    elif scalar == "BOOLEAN":
        score = value if isinstance(value, bool) else None
    if score is None:
        return None
    if scalar == "BOOLEAN":
        threshold = {None: True, "true": True, "false": False}.get(threshold, threshold)
    return bool(COMPARE[comparator or "EQUALS"](score, threshold))


def _matches(leaf: dict[str, Any], text: str, banks: dict[str, TextBank]) -> bool:
    kind = leaf["signal"]["type"]
    wanted = list(leaf["matchingValues"].get("strings", []))
    for bank_id in leaf["matchingValues"].get("textBankIds", []):
        wanted += banks[bank_id].strings
    if kind.endswith("REGEX"):
        found = any(re.search(pattern, text, re.IGNORECASE | re.ASCII) for pattern in wanted)
    else:
        found = any(string.casefold() in text.casefold() for string in wanted)
    return found is not ("NOT_CONTAINS" in kind)


def _time(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
