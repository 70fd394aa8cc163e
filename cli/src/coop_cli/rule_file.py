"""Configuration documents as files: what the API gives, with names instead of ids.

Guarantees: nothing of a document is lost, whatever fields it has: what is left out is empty, or
made by the system again (the area of a geohash or a place), and comes back so; keys have one order,
so that the same document is the same file. An id whose name is not known stays as `{id: …}`.
Must not: talk to anyone.

    itemTypeIds ⇄ itemTypes, actionIds ⇄ actions, policyIds ⇄ policies, and within conditions
    contentTypeId ⇄ contentType, textBankIds ⇄ textBanks, locationBankIds ⇄ locationBanks, …
    {"id": '{"type":"X"}', "type": "X"} ⇄ X, of a condition's signal
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from coop_contracts.error import pointer


class FileKind(StrEnum):
    """A kind of document that files hold; the value is its folder, and its path in the API."""

    ITEM_TYPE = "item-types"
    TEXT_BANK = "text-banks"
    LOCATION_BANK = "location-banks"
    RULE = "rules"


MOVED = (FileKind.TEXT_BANK, FileKind.LOCATION_BANK, FileKind.RULE)
"""In the order in which they are saved: a rule refers to banks. Item types are only read."""

NAMED = ("item-types", "actions", "policies", "text-banks", "location-banks", "hash-banks")
"""What a rule refers to by name, as paths of the API."""

STAMP = frozenset(
    {
        "createdAt",
        "createdBy",
        "createdByPerson",
        "updatedAt",
        "updatedBy",
        "updatedByPerson",
        "usedBy",
        "usedByCount",
        "entryCount",
        "warnings",
        "cost",
    }
)
"""What the API says of a document and does not take."""

_NEEDED = frozenset({"conditionSet", "strings", "locations"})  # where they are, if only empty

_LISTS = {
    "itemTypeIds": ("itemTypes", "item-types"),
    "actionIds": ("actions", "actions"),
    "policyIds": ("policies", "policies"),
}
_IN_CONDITIONS = {
    "contentTypeId": ("contentType", "item-types"),
    "contentTypeIds": ("contentTypes", "item-types"),
    "textBankIds": ("textBanks", "text-banks"),
    "locationBankIds": ("locationBanks", "location-banks"),
    "imageBankIds": ("imageBanks", "hash-banks"),
}
_BACK = {name: (key, kind) for key, (name, kind) in (_LISTS | _IN_CONDITIONS).items()}

_ORDER = (
    *("id", "revision", "name", "kind", "type", "status", "description", "itemTypes", "actions"),
    *("actionParameters", "policies", "tags", "maxDailyActions", "maxActionsPerMinute"),
    *("maxUsersPerHour", "expirationTime", "conjunction", "input", "signal", "comparator"),
    *("threshold", "matchingValues", "geometry", "center", "lat", "lng", "radius", "bounds"),
)
_LAST = ("conditionSet", "conditions", "fields", "strings", "locations")
_PLACE = {key: place for place, key in enumerate(_ORDER)}
_PLACE |= {key: 1_000 + place for place, key in enumerate(_LAST)}


@dataclass
class Names:
    """The names and ids of documents by kind (the paths of the API)."""

    by_id: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, kind: str, document_id: str, name: str) -> None:
        self.by_id.setdefault(kind, {})[document_id] = name

    def name(self, kind: str, document_id: str) -> str | None:
        """None where there is none, or another has it too."""
        found = self.by_id.get(kind, {})
        name = found.get(document_id)
        return name if name is not None and self.id(kind, name) == document_id else None

    def id(self, kind: str, name: str) -> str | None:
        ids = [one for one, known in self.by_id.get(kind, {}).items() if known == name]
        return ids[0] if len(ids) == 1 else None


@dataclass(frozen=True)
class Unknown:
    """A name that nothing has; `pointer` is its place in the file."""

    pointer: str
    kind: str
    name: str

    def __str__(self) -> str:
        one = "policy" if self.kind == "policies" else self.kind.replace("-", " ").removesuffix("s")
        return f"{self.pointer}: there is no {one} called {self.name}"


def to_file(kind: FileKind, document: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """The file's data of a document as the API gives it."""
    found: dict[str, Any] = {}
    for key, value in document.items():
        if key in STAMP or (_is_empty(value) and key not in _NEEDED):
            continue
        if kind is FileKind.RULE and key in _LISTS:
            name, of = _LISTS[key]
            found[name] = [_name_of(names, of, one) for one in value]
        elif kind is FileKind.RULE and key == "actionParameters":
            known = {one: names.name("actions", one) or one for one in value}
            found[key] = {known[one]: values for one, values in value.items()}
        elif kind is FileKind.RULE and key == "conditionSet":
            found[key] = named_conditions(value, names)
        elif kind is FileKind.LOCATION_BANK and key == "locations":
            found[key] = _without_empty([_own(one) for one in value or ()])
        elif kind in (FileKind.ITEM_TYPE, FileKind.LOCATION_BANK):
            found[key] = _without_empty(value)
        else:
            found[key] = value
    ordered: dict[str, Any] = _ordered(found)
    return ordered


def from_file(
    kind: FileKind, data: Mapping[str, Any], names: Names
) -> tuple[dict[str, Any], list[Unknown]]:
    """The document of a file's data as the API takes it, and the names that nothing has."""
    unknown: list[Unknown] = []
    found: dict[str, Any] = {}
    for key, value in data.items():
        if key in ("id", "revision"):
            continue
        if kind is FileKind.RULE and key in ("itemTypes", "actions", "policies"):
            back, of = _BACK[key]
            found[back] = _ids_of(names, of, value, pointer(key), unknown)
        elif kind is FileKind.RULE and key == "actionParameters" and isinstance(value, dict):
            found[key] = {names.id("actions", one) or one: values for one, values in value.items()}
        elif kind is FileKind.RULE and key == "conditionSet":
            found[key] = _with_ids(value, names, pointer(key), unknown)
        else:
            found[key] = value
    return found, unknown


def _name_of(names: Names, kind: str, document_id: Any) -> Any:
    name = names.name(kind, document_id) if isinstance(document_id, str) else None
    return {"id": document_id} if name is None else name


def _id_of(names: Names, kind: str, value: Any, at: str, unknown: list[Unknown]) -> Any:
    match value:
        case {"id": str(document_id)}:
            return document_id
        case str():
            found = names.id(kind, value)
            if found is None:
                unknown.append(Unknown(at, kind, value))
            return found or value
    return value  # the API says what is wrong with it


def _ids_of(names: Names, kind: str, value: Any, at: str, unknown: list[Unknown]) -> Any:
    if not isinstance(value, list):
        return _id_of(names, kind, value, at, unknown)
    return [_id_of(names, kind, one, f"{at}/{place}", unknown) for place, one in enumerate(value)]


def named_conditions(node: Any, names: Names) -> Any:
    """A condition or set of them, with names."""
    if isinstance(node, list):
        return [named_conditions(one, names) for one in node]
    if not isinstance(node, dict):
        return node
    found: dict[str, Any] = {}
    for key, value in node.items():
        if key in _IN_CONDITIONS and _is_ids(value):
            name, kind = _IN_CONDITIONS[key]
            listed = isinstance(value, list)
            ids = value if listed else [value]
            given = [_name_of(names, kind, one) for one in ids]
            found[name] = given if listed else given[0]
        elif key == "signal" and _is_plain_signal(value):
            found[key] = value["type"]
        else:
            found[key] = named_conditions(value, names)
    return found


def _with_ids(node: Any, names: Names, at: str, unknown: list[Unknown]) -> Any:
    """A condition, with ids."""
    if isinstance(node, list):
        return [_with_ids(one, names, f"{at}/{n}", unknown) for n, one in enumerate(node)]
    if not isinstance(node, dict):
        return node
    found: dict[str, Any] = {}
    for key, value in node.items():
        here = at + pointer(key)
        if key in _BACK and not key.startswith(("itemType", "action", "polic")):
            back, kind = _BACK[key]
            found[back] = _ids_of(names, kind, value, here, unknown)
        elif key == "signal" and isinstance(value, str):
            found[key] = {"id": f'{{"type":"{value}"}}', "type": value}
        else:
            found[key] = _with_ids(value, names, here, unknown)
    return found


def _is_ids(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(one, str) for one in value)
    )


def _is_plain_signal(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"id", "type"}
        and isinstance(value["type"], str)
        and value["id"] == f'{{"type":"{value["type"]}"}}'
    )


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_empty(one) for key, one in value.items() if not _is_empty(one)}
    if isinstance(value, list):
        return [_without_empty(one) for one in value]
    return value


def _own(location: Any) -> Any:
    """A location without what the system makes of its geohash or its place."""
    if not isinstance(location, dict):
        return location
    made = ("geometry", "bounds")
    place = location.get("googlePlaceInfo")
    if isinstance(place, dict):
        kept = {key: value for key, value in location.items() if key not in made}
        return {**kept, "googlePlaceInfo": {"id": place.get("id")}}
    if location.get("geohash"):
        return {key: value for key, value in location.items() if key not in made}
    return location


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (_PLACE.get(key, 500), key))
        return {key: _ordered(value[key]) for key in keys}
    if isinstance(value, list):
        return [_ordered(one) for one in value]
    return value
