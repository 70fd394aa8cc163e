"""Coop's condition JSON, read strictly into a tree.

Guarantees: what is read is well-formed (known inputs, comparators and properties, bounded in depth
and size); every error names the place by JSON pointer and the reason, and all are reported at once.
Must not: know item types or banks (`predicate` and `check` do), or guess at a malformed condition.

    ConditionSet = {conjunction: AND|OR|XOR, conditions: [Leaf | ConditionSet, …]}
    Leaf = {input, comparator?, threshold?, signal?: {id, type, …}, matchingValues?: {strings?, …}}
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, cast

import msgspec
from msgspec import Struct

from coop_contracts.error import pointer as pointer_of

MAX_DEPTH = 10  # condition sets inside one another
MAX_LEAVES = 500  # of one rule
MAX_STRINGS = 10_000  # matching values of one leaf; more belong into a bank
MAX_STRING_LENGTH = 10_000  # characters of a name, threshold or matching value


class Conjunction(StrEnum):
    AND = "AND"
    OR = "OR"
    XOR = "XOR"


class Comparator(StrEnum):
    EQUALS = "EQUALS"
    NOT_EQUAL_TO = "NOT_EQUAL_TO"
    LESS_THAN = "LESS_THAN"
    LESS_THAN_OR_EQUALS = "LESS_THAN_OR_EQUALS"
    GREATER_THAN = "GREATER_THAN"
    GREATER_THAN_OR_EQUALS = "GREATER_THAN_OR_EQUALS"
    IS_UNAVAILABLE = "IS_UNAVAILABLE"
    IS_NOT_PROVIDED = "IS_NOT_PROVIDED"


class InputType(StrEnum):
    USER_ID = "USER_ID"
    FULL_ITEM = "FULL_ITEM"
    CONTENT_FIELD = "CONTENT_FIELD"
    CONTENT_COOP_INPUT = "CONTENT_COOP_INPUT"
    CONTENT_DERIVED_FIELD = "CONTENT_DERIVED_FIELD"


class CoopInput(StrEnum):
    """The inputs that are not one field."""

    ALL_TEXT = "All text"
    ANY_IMAGE = "Any image"
    ANY_GEOHASH = "Any geohash"
    ANY_VIDEO = "Any video"
    AUTHOR = "Content author (user)"
    POLICY = "Relevant Policy"
    SOURCE = "Source"


class Input(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Where a leaf's values come from. `name` is a field's or a CoopInput's."""

    type: InputType
    name: str | None = None
    content_type_id: str | None = None


class Signal(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    type: str
    subcategory: str | None = None


class MatchingValues(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What a signal looks for. Locations stay as they came: they belong to the geo signal."""

    strings: tuple[str, ...] = ()
    text_bank_ids: tuple[str, ...] = ()
    locations: tuple[dict[str, Any], ...] = ()
    location_bank_ids: tuple[str, ...] = ()
    image_bank_ids: tuple[str, ...] = ()


class Leaf(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    input: Input
    comparator: Comparator | None = None
    threshold: bool | int | float | str | None = None
    signal: Signal | None = None
    matching_values: MatchingValues | None = None


class ConditionSet(Struct, frozen=True, kw_only=True):
    conjunction: Conjunction
    conditions: tuple[ConditionSet | Leaf, ...]


class Problem(Struct, frozen=True):
    """What is wrong and where: `pointer` is an RFC 6901 JSON pointer into the checked document."""

    pointer: str
    reason: str


class ConditionError(ValueError):
    """A condition set that cannot be read; `problems` has at least one."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{p.pointer or '/'}: {p.reason}" for p in problems))


def parse_condition_set(value: object) -> ConditionSet:
    """The tree of a decoded JSON condition set.

    Raises:
        ConditionError: with every problem found; pointers are relative to the condition set.
    """
    reader = _Reader()
    parsed = reader.condition_set(value, (), depth=1)
    if reader.problems:
        raise ConditionError(reader.problems)
    return cast(ConditionSet, parsed)


Path = tuple[str | int, ...]

# `result` is in condition sets that Coop logged, `__typename` in those its client sent.
_IGNORED = frozenset({"__typename"})
_SET_KEYS = frozenset({"conjunction", "conditions"})
_LEAF_KEYS = frozenset({"input", "comparator", "threshold", "signal", "matchingValues"})
_SIGNAL_KEYS = frozenset({"id", "type", "name", "subcategory", "args"})
_INPUT_KEYS: Mapping[InputType, frozenset[str]] = {
    InputType.USER_ID: frozenset({"type"}),
    InputType.FULL_ITEM: frozenset({"type", "contentTypeIds"}),
    InputType.CONTENT_FIELD: frozenset({"type", "name", "contentTypeId"}),
    InputType.CONTENT_COOP_INPUT: frozenset({"type", "name"}),
    InputType.CONTENT_DERIVED_FIELD: frozenset({"type", "spec"}),
}
_MATCHING_KEYS = frozenset(
    {"strings", "textBankIds", "locations", "locationBankIds", "imageBankIds"}
)


class _Reader:
    """Collects problems instead of stopping at the first. Every method gives None on a problem."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.leaves = 0

    def bad(self, path: Path, reason: str) -> None:
        self.problems.append(Problem(pointer_of(*path), reason))

    def mapping(self, value: object, path: Path, keys: frozenset[str]) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            self.bad(path, "must be an object")
            return None
        # A null property is an absent one: Coop's client writes both.
        present = {k: v for k, v in value.items() if v is not None and k not in _IGNORED}
        for key in present.keys() - keys:
            self.bad((*path, key), "unknown property")
        return present

    def string(self, value: object, path: Path) -> str | None:
        if not isinstance(value, str) or not value:
            self.bad(path, "must be a non-empty string")
        elif len(value) > MAX_STRING_LENGTH:
            self.bad(path, f"is longer than {MAX_STRING_LENGTH} characters")
        else:
            return value
        return None

    def condition_set(self, value: object, path: Path, *, depth: int) -> ConditionSet | None:
        if depth > MAX_DEPTH:
            self.bad(path, f"is nested deeper than {MAX_DEPTH} condition sets")
            return None
        found = self.mapping(value, path, _SET_KEYS)
        if found is None:
            return None
        name = found.get("conjunction")
        if not isinstance(name, str) or name not in Conjunction.__members__:
            self.bad((*path, "conjunction"), "must be AND, OR or XOR")
        entries = found.get("conditions")
        if not isinstance(entries, list):
            self.bad((*path, "conditions"), "must be a list")
            return None
        children = []
        for index, entry in enumerate(entries):
            child = self.condition(entry, (*path, "conditions", index), depth=depth)
            if child is not None:
                children.append(child)
            if self.leaves > MAX_LEAVES:
                break
        if not isinstance(name, str) or name not in Conjunction.__members__:
            return None
        return ConditionSet(conjunction=Conjunction(name), conditions=tuple(children))

    def condition(self, value: object, path: Path, *, depth: int) -> ConditionSet | Leaf | None:
        if isinstance(value, dict) and ("conjunction" in value or "conditions" in value):
            return self.condition_set(value, path, depth=depth + 1)
        self.leaves += 1
        if self.leaves > MAX_LEAVES:
            self.bad(path, f"is beyond the {MAX_LEAVES} conditions of one rule")
            return None
        return self.leaf(value, path)

    def leaf(self, value: object, path: Path) -> Leaf | None:
        found = self.mapping(value, path, _LEAF_KEYS)
        if found is None:
            return None
        if "input" not in found:
            self.bad((*path, "input"), "is missing")
            return None
        source = self.input(found["input"], (*path, "input"))
        comparator = None
        if "comparator" in found:
            if found["comparator"] in list(Comparator):
                comparator = Comparator(found["comparator"])
            else:
                self.bad((*path, "comparator"), "is not a comparator")
        threshold = found.get("threshold")
        if not isinstance(threshold, (str, int, float, type(None))):
            self.bad((*path, "threshold"), "must be a string, a number or a boolean")
            threshold = None
        signal = matching = None
        if "signal" in found:
            signal = self.signal(found["signal"], (*path, "signal"))
        if "matchingValues" in found:
            matching = self.matching(found["matchingValues"], (*path, "matchingValues"))
        if source is None:
            return None
        return Leaf(
            input=source,
            comparator=comparator,
            threshold=threshold,
            signal=signal,
            matching_values=matching,
        )

    def input(self, value: object, path: Path) -> Input | None:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in InputType.__members__:
            self.bad((*path, "type"), "is not an input type")
            return None
        kind = InputType(kind)
        found = self.mapping(value, path, _INPUT_KEYS[kind]) or {}
        if kind is InputType.CONTENT_COOP_INPUT:
            if found.get("name") not in list(CoopInput):
                self.bad((*path, "name"), "is not one of Coop's inputs")
                return None
            return Input(type=kind, name=found["name"])
        if kind is InputType.CONTENT_FIELD:
            name = self.string(found.get("name"), (*path, "name"))
            type_id = self.string(found.get("contentTypeId"), (*path, "contentTypeId"))
            if name is None or type_id is None:
                return None
            return Input(type=kind, name=name, content_type_id=type_id)
        return Input(type=kind)

    def signal(self, value: object, path: Path) -> Signal | None:
        found = self.mapping(value, path, _SIGNAL_KEYS)
        if found is None:
            return None
        named = found.get("type")
        if "id" in found:
            try:
                inside = msgspec.json.decode(found["id"], type=dict[str, Any]).get("type")
            except (msgspec.DecodeError, TypeError):
                self.bad((*path, "id"), "must be a JSON object as a string")
                return None
            if named is not None and inside != named:
                self.bad((*path, "id"), "names another signal than type")
                return None
            named = inside
        if found.get("args"):
            self.bad((*path, "args"), "this signal takes no arguments")
        kind = self.string(named, (*path, "type"))
        return None if kind is None else Signal(type=kind, subcategory=found.get("subcategory"))

    def matching(self, value: object, path: Path) -> MatchingValues | None:
        found = self.mapping(value, path, _MATCHING_KEYS)
        if found is None:
            return None
        lists: dict[str, tuple[str, ...]] = {}
        for key in sorted(_MATCHING_KEYS - {"locations"}):
            entries = found.get(key, [])
            if not isinstance(entries, list):
                self.bad((*path, key), "must be a list")
            elif len(entries) > MAX_STRINGS:
                self.bad((*path, key), f"has more than {MAX_STRINGS} entries; use a bank")
            else:
                read = (self.string(e, (*path, key, i)) for i, e in enumerate(entries))
                lists[key] = tuple(e for e in read if e is not None)
        locations = found.get("locations", [])
        if not isinstance(locations, list) or not all(isinstance(e, dict) for e in locations):
            self.bad((*path, "locations"), "must be a list of objects")
            locations = []
        return MatchingValues(
            strings=lists.get("strings", ()),
            text_bank_ids=lists.get("textBankIds", ()),
            locations=tuple(locations),
            location_bank_ids=lists.get("locationBankIds", ()),
            image_bank_ids=lists.get("imageBankIds", ()),
        )
