"""A small evaluator of condition JSON, written for the tests: no sharing, no order, no scanners of
many patterns; every string and regex by itself."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from coop_contracts.config import ItemType, Location, LocationBank, TextBank
from coop_contracts.event import ItemRef, SignalValue
from coop_rules.matching.dialect import translate
from coop_rules.matching.geo import Areas
from coop_rules.matching.regex import options, re2
from coop_rules.matching.similarity import Similarity
from coop_rules.matching.text import PatternSet, ScannerCache
from coop_rules.signal.signal import Matching

COMPARE: dict[str, Callable[[Any, Any], object]] = {
    "EQUALS": operator.eq,
    "NOT_EQUAL_TO": operator.ne,
    "LESS_THAN": operator.lt,
    "LESS_THAN_OR_EQUALS": operator.le,
    "GREATER_THAN": operator.gt,
    "GREATER_THAN_OR_EQUALS": operator.ge,
    "IN": lambda score, listed: score in listed,
    "NOT_IN": lambda score, listed: score not in listed,
}
LEVELS = ["VERY_LOW", "LOW", "MEDIUM", "HIGH", "VERY_HIGH"]
Signals = Mapping[str, Sequence[SignalValue]]


class Errored:
    """A derived text that could not be had."""


class Reference:
    """Evaluates conditions on items of one type. `key_of` gives the key under which a leaf's
    external values are in `signals`, and that of its derived input."""

    def __init__(
        self,
        item_type: ItemType,
        *,
        banks: Mapping[str, TextBank] | None = None,
        location_banks: Mapping[str, LocationBank] | None = None,
        key_of: Any = None,
    ) -> None:
        self.item_type = item_type
        self.banks = banks or {}
        self.location_banks = location_banks or {}
        self.key_of = key_of
        self.compiled: dict[object, Any] = {}

    def evaluate(
        self,
        node: dict[str, Any],
        data: dict[str, Any],
        *,
        creator: ItemRef | None = None,
        signals: Signals | None = None,
    ) -> bool | None:
        """True, False or None (unknown), every condition evaluated."""
        if "conditions" not in node:
            return self.leaf(node, data, creator, signals or {})
        outcomes = [
            self.evaluate(child, data, creator=creator, signals=signals)
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
            case "NOT":
                return None if unknown else not yes
        raise AssertionError(node)

    def leaf(
        self,
        leaf: dict[str, Any],
        data: dict[str, Any],
        creator: ItemRef | None,
        signals: Signals,
    ) -> bool | None:
        values, scalar = self.values(leaf, leaf["input"], data, creator, signals)
        comparator = leaf.get("comparator")
        if comparator == "IS_NOT_PROVIDED":
            return not values
        if comparator == "IS_UNAVAILABLE":
            if "signal" in leaf:
                scores = self.scores(leaf, values, scalar, signals)
                return any(score is None for score in scores)
            return any(isinstance(value, Errored) for value in values)
        if comparator == "CONTAINS":
            return self.contains(leaf, values, scalar, data)
        outcomes = [
            None if score is None else self.compare(leaf, score, scalar)
            for score in self.scores(leaf, values, scalar, signals)
        ]
        return True if True in outcomes else None if None in outcomes else False

    def values(
        self,
        leaf: dict[str, Any],
        source: dict[str, Any],
        data: dict[str, Any],
        creator: ItemRef | None,
        signals: Signals,
    ) -> tuple[list[Any], str]:
        match source["type"]:
            case "USER_ID":
                return ([] if creator is None else [{"id": creator.id}]), "USER_ID"
            case "FULL_ITEM":
                return ([] if creator is None else ["the group"]), "GROUP"
            case "CONTENT_DERIVED_FIELD":
                inner, _ = self.values(leaf, source["spec"]["source"], data, creator, signals)
                known = signals.get(self.key_of(leaf, derived=True), ())
                scores = {value.position: value.score for value in known if not value.error}
                found = [scores.get(position) for position in range(len(inner))]
                return [t if isinstance(t, str) else Errored() for t in found], "STRING"
            case "CONTENT_FIELD":
                if source["contentTypeId"] != self.item_type.id:
                    return [], "STRING"
                field = next(f for f in self.item_type.fields if f.name == source["name"])
                scalar = field.container.value_scalar_type if field.container else field.type
                return _flat(data.get(field.name), field.container), str(scalar)
        if source["name"] == "Content author (user)":
            return ([] if creator is None else [{"id": creator.id}]), "USER_ID"
        if source["name"] == "Any image":
            return _images(self.item_type, data), "IMAGE"
        texts: list[str] = []
        for field in self.item_type.fields:
            scalar = field.container.value_scalar_type if field.container else field.type
            if scalar == "STRING":
                found = _flat(data.get(field.name), field.container)
                texts += [text for text in found if isinstance(text, str) and text]
        return ([" ".join(texts)] if texts else []), "STRING"

    def scores(
        self, leaf: dict[str, Any], values: list[Any], scalar: str, signals: Signals
    ) -> list[Any]:
        """What is compared, for each value; None where it is unknown."""
        if "signal" not in leaf:
            return [_typed(value, scalar) for value in values]
        name = leaf["signal"]["type"]
        if name.startswith("TEXT_") or name == "GEO_CONTAINED_WITHIN":
            return [
                self.computed(leaf, name, value) if isinstance(value, str) else None
                for value in values
            ]
        known: dict[int, Any] = {}
        for value in signals.get(self.key_of(leaf), ()):
            known[value.position] = None if value.error is not None else value.score
        kind = "ENUM" if name.startswith("GOOGLE") else "NUMBER"
        if name.startswith("IMAGE_SIMILARITY"):
            kind = "BOOLEAN"
        scores = [_typed(known.get(position), kind) for position in range(len(values))]
        if name == "IMAGE_SIMILARITY_DOES_NOT_MATCH":
            return [None if score is None else not score for score in scores]
        return scores

    def computed(self, leaf: dict[str, Any], name: str, text: str) -> Any:
        matching = leaf["matchingValues"]
        if name == "GEO_CONTAINED_WITHIN":
            locations: list[Location] = []
            for bank_id in matching.get("locationBankIds", []):
                locations += self.location_banks[bank_id].locations
            try:
                return any(Areas([one]).find(text) is not None for one in locations)
            except ValueError:
                return None
        wanted = list(matching.get("strings", []))
        for bank_id in matching.get("textBankIds", []):
            wanted += self.banks[bank_id].strings
        if name == "TEXT_SIMILARITY_SCORE":
            return max(Similarity([string]).score(text)[0] for string in wanted)
        if name.endswith("CONTAINS_TEXT"):
            folded = text.casefold()
            found = any(string.casefold() in folded for string in wanted)
        else:
            found = any(self.found(name, string, text) for string in wanted)
        return found is not ("_NOT_" in name)

    def found(self, name: str, string: str, text: str) -> bool:
        if name.endswith("REGEX"):
            if string not in self.compiled:
                self.compiled[string] = re2.compile(translate(string).pattern, options())
            return self.compiled[string].search(text) is not None
        kind = name.rpartition("_")[2]
        if (kind, string) not in self.compiled:
            patterns = PatternSet(Matching(kind), [string])
            self.compiled[kind, string] = ScannerCache().scanner([patterns])
        return bool(self.compiled[kind, string].scan(text))

    def contains(
        self, leaf: dict[str, Any], values: list[Any], scalar: str, data: dict[str, Any]
    ) -> bool | None:
        threshold = leaf["threshold"]
        container = None
        if leaf["input"]["type"] == "CONTENT_FIELD":
            name = leaf["input"]["name"]
            field = next(f for f in self.item_type.fields if f.name == name)
            container = field.container and field.container.container_type
            if container == "MAP" and values:
                if not isinstance(data[name], dict):
                    return None
                if threshold in data[name]:
                    return True
        typed = [_typed(value, scalar) for value in values]
        if container is None and leaf["input"].get("name") != "Any image":
            outcomes = [None if value is None else threshold in value for value in typed]
        else:
            wanted = _threshold(threshold, scalar)
            outcomes = [None if value is None else value == wanted for value in typed]
        return True if True in outcomes else None if None in outcomes else False

    def compare(self, leaf: dict[str, Any], score: Any, scalar: str) -> bool:
        comparator, threshold = leaf.get("comparator"), leaf.get("threshold")
        name = leaf.get("signal", {}).get("type", "")
        if name:
            scalar = "BOOLEAN" if isinstance(score, bool) else "NUMBER"
        if name.startswith("GOOGLE"):
            scalar = "ENUM"
        if comparator in ("IN", "NOT_IN"):
            if threshold is None:
                threshold = leaf["matchingValues"]["strings"]
            return bool(COMPARE[comparator](score, [_threshold(t, scalar) for t in threshold]))
        if threshold is None:
            return score is True
        return bool(COMPARE[comparator or "EQUALS"](score, _threshold(threshold, scalar)))


def _flat(value: Any, container: Any) -> list[Any]:
    if value is None:
        return []
    if container is not None and container.container_type == "ARRAY" and isinstance(value, list):
        return [entry for entry in value if entry is not None]
    if container is not None and container.container_type == "MAP" and isinstance(value, dict):
        return [entry for entry in value.values() if entry is not None]
    return [value]


def _images(item_type: ItemType, data: dict[str, Any]) -> list[Any]:
    found = []
    for field in item_type.fields:
        value = data.get(field.name)
        if value is None or field.type not in ("IMAGE", "MEDIA"):
            continue
        if not isinstance(value, dict) or value.get("mediaType", "IMAGE") == "IMAGE":
            found.append(value)
    return found


def _typed(value: Any, scalar: str) -> Any:
    """The value as it is compared; None where its type is wrong."""
    match scalar:
        case "NUMBER":
            good = isinstance(value, int | float) and not isinstance(value, bool)
            return value if good else None
        case "BOOLEAN":
            return value if isinstance(value, bool) else None
        case "USER_ID":
            found = value.get("id") if isinstance(value, dict) else None
            return found if isinstance(found, str) else None
        case "DATETIME":
            return _time(value)
        case "ENUM":
            return LEVELS.index(value) if value in LEVELS else None
        case "IMAGE":
            found = value.get("url") if isinstance(value, dict) else value
            return found if isinstance(found, str) else None
    return value if isinstance(value, str) else None


def _threshold(given: Any, scalar: str) -> Any:
    match scalar:
        case "NUMBER":
            return float(given) if isinstance(given, str) else given
        case "BOOLEAN":
            return {"true": True, "false": False}.get(given, given)
        case "DATETIME":
            return _time(given)
        case "ENUM":
            return LEVELS.index(given)
    return given


def _time(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
