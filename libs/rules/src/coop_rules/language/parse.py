"""Reads Coop's condition JSON, strictly, into a tree.

Guarantees: what is read is well-formed (known inputs, comparators and properties, bounded in depth
and size); every error names the place by JSON pointer and the reason, and all are reported at once.
Must not: know item types, banks or signals, or guess at a malformed condition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from coop_contracts.error import pointer as pointer_of
from coop_rules.language.model import (
    MAX_DEPTH,
    MAX_GROUP_BY,
    MAX_LEAVES,
    MAX_STRING_LENGTH,
    MAX_STRINGS,
    MAX_THRESHOLDS,
    MAX_WINDOW,
    MIN_WINDOW,
    AggregationClause,
    Comparator,
    ConditionError,
    ConditionProblem,
    ConditionSet,
    Conjunction,
    CoopInput,
    DerivedField,
    Input,
    InputType,
    Leaf,
    MatchingValues,
    Scalar,
    Signal,
)
from coop_rules.matching.location import location_of

Path = tuple[str | int, ...]

# `result` is in condition sets that Coop logged, `__typename` in those its client sent.
_IGNORED = frozenset({"__typename"})
_SET_KEYS = frozenset({"conjunction", "conditions"})
_LEAF_KEYS = frozenset({"input", "comparator", "threshold", "signal", "matchingValues"})
_SIGNAL_KEYS = frozenset({"id", "type", "name", "subcategory", "args"})
_CLAUSE_KEYS = frozenset({"id", "conditionSet", "aggregation", "groupBy", "window"})
_INPUT_KEYS: Mapping[InputType, frozenset[str]] = {
    InputType.USER_ID: frozenset({"type"}),
    InputType.FULL_ITEM: frozenset({"type", "contentTypeIds"}),
    InputType.CONTENT_FIELD: frozenset({"type", "name", "contentTypeId"}),
    InputType.CONTENT_COOP_INPUT: frozenset({"type", "name"}),
    InputType.CONTENT_DERIVED_FIELD: frozenset({"type", "spec"}),
}
_SCALAR_LISTS = ("strings", "textBankIds", "locationBankIds", "imageBankIds")
_MATCHING_KEYS = frozenset((*_SCALAR_LISTS, "locations"))
_LISTING = (Comparator.IN, Comparator.NOT_IN)


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


class _Reader:
    """Collects problems instead of stopping at the first. Every method gives None on a problem."""

    def __init__(self) -> None:
        self.problems: list[ConditionProblem] = []
        self.leaves = 0

    def bad(self, path: Path, reason: str) -> None:
        self.problems.append(ConditionProblem(pointer_of(*path), reason))

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

    def strings(self, value: object, path: Path, *, limit: int = MAX_STRINGS) -> tuple[str, ...]:
        if not isinstance(value, list):
            self.bad(path, "must be a list")
            return ()
        if len(value) > limit:
            self.bad(path, f"has more than {limit} entries; use a bank")
            return ()
        read = (self.string(entry, (*path, index)) for index, entry in enumerate(value))
        return tuple(entry for entry in read if entry is not None)

    def condition_set(self, value: object, path: Path, *, depth: int) -> ConditionSet | None:
        if depth > MAX_DEPTH:
            self.bad(path, f"is nested deeper than {MAX_DEPTH} condition sets")
            return None
        found = self.mapping(value, path, _SET_KEYS)
        if found is None:
            return None
        name = found.get("conjunction")
        conjunction = None
        if isinstance(name, str) and name in Conjunction.__members__:
            conjunction = Conjunction(name)
        else:
            self.bad((*path, "conjunction"), "must be AND, OR, XOR or NOT")
        entries = found.get("conditions")
        if not isinstance(entries, list):
            self.bad((*path, "conditions"), "must be a list")
            return None
        if conjunction is Conjunction.NOT and len(entries) != 1:
            self.bad((*path, "conditions"), "NOT takes exactly one condition")
        children = []
        for index, entry in enumerate(entries):
            child = self.condition(entry, (*path, "conditions", index), depth=depth)
            if child is not None:
                children.append(child)
            if self.leaves > MAX_LEAVES:
                break
        if conjunction is None:
            return None
        return ConditionSet(conjunction=conjunction, conditions=tuple(children))

    def condition(self, value: object, path: Path, *, depth: int) -> ConditionSet | Leaf | None:
        if isinstance(value, dict) and ("conjunction" in value or "conditions" in value):
            return self.condition_set(value, path, depth=depth + 1)
        self.leaves += 1
        if self.leaves > MAX_LEAVES:
            self.bad(path, f"is beyond the {MAX_LEAVES} conditions of one rule")
            return None
        return self.leaf(value, path, depth=depth)

    def leaf(self, value: object, path: Path, *, depth: int) -> Leaf | None:
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
        threshold = self.threshold(found.get("threshold"), comparator, (*path, "threshold"))
        signal = matching = None
        if "signal" in found:
            signal = self.signal(found["signal"], (*path, "signal"), depth=depth)
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

    def threshold(
        self, value: object, comparator: Comparator | None, path: Path
    ) -> Scalar | tuple[Scalar, ...] | None:
        if isinstance(value, list):
            if comparator not in _LISTING:
                self.bad(path, "only IN and NOT_IN take a list")
            elif len(value) > MAX_THRESHOLDS:
                self.bad(path, f"has more than {MAX_THRESHOLDS} entries; use a bank")
            elif all(isinstance(entry, Scalar) for entry in value):
                return tuple(value)
            else:
                self.bad(path, "must be a list of strings, numbers or booleans")
            return None
        if isinstance(value, str) and len(value) > MAX_STRING_LENGTH:
            self.bad(path, f"is longer than {MAX_STRING_LENGTH} characters")
        elif value is None or isinstance(value, Scalar):
            return value
        else:
            self.bad(path, "must be a string, a number or a boolean")
        return None

    def input(self, value: object, path: Path) -> Input | None:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in InputType.__members__:
            self.bad((*path, "type"), "is not an input type")
            return None
        kind = InputType(kind)
        found = self.mapping(value, path, _INPUT_KEYS[kind]) or {}
        match kind:
            case InputType.CONTENT_COOP_INPUT:
                if found.get("name") not in list(CoopInput):
                    self.bad((*path, "name"), "is not one of Coop's inputs")
                    return None
                return Input(type=kind, name=found["name"])
            case InputType.CONTENT_FIELD:
                name = self.string(found.get("name"), (*path, "name"))
                type_id = self.string(found.get("contentTypeId"), (*path, "contentTypeId"))
                if name is None or type_id is None:
                    return None
                return Input(type=kind, name=name, content_type_id=type_id)
            case InputType.FULL_ITEM:
                ids = self.strings(found.get("contentTypeIds", []), (*path, "contentTypeIds"))
                return Input(type=kind, content_type_ids=ids)
            case InputType.CONTENT_DERIVED_FIELD:
                return self.derived(found.get("spec"), (*path, "spec"))
        return Input(type=kind)

    def derived(self, value: object, path: Path) -> Input | None:
        found = self.mapping(value, path, frozenset({"source", "derivationType"}))
        if found is None:
            return None
        kind = self.string(found.get("derivationType"), (*path, "derivationType"))
        source = self.input(found.get("source"), (*path, "source"))
        if kind is None or source is None:
            return None
        if source.type in (InputType.CONTENT_DERIVED_FIELD, InputType.USER_ID):
            self.bad((*path, "source", "type"), f"nothing is derived from {source.type}")
            return None
        # The type of the field it is made of decides where the derived one is provided.
        return Input(
            type=InputType.CONTENT_DERIVED_FIELD,
            content_type_id=source.content_type_id,
            content_type_ids=source.content_type_ids,
            spec=DerivedField(source=source, derivation_type=kind),
        )

    def signal(self, value: object, path: Path, *, depth: int) -> Signal | None:
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
        kind = self.string(named, (*path, "type"))
        subcategory = found.get("subcategory")
        if subcategory is not None:
            subcategory = self.string(subcategory, (*path, "subcategory"))
        aggregation = None
        if found.get("args"):
            aggregation = self.arguments(found["args"], (*path, "args"), depth=depth)
        if kind is None:
            return None
        return Signal(type=kind, subcategory=subcategory, aggregation=aggregation)

    def arguments(self, value: object, path: Path, *, depth: int) -> AggregationClause | None:
        found = self.mapping(value, path, frozenset({"aggregationClause"}))
        if found is None or "aggregationClause" not in found:
            return None
        path = (*path, "aggregationClause")
        clause = self.mapping(found["aggregationClause"], path, _CLAUSE_KEYS)
        if clause is None:
            return None
        kind = clause.get("aggregation")
        if not isinstance(kind, dict) or kind.get("type") != "COUNT":
            self.bad((*path, "aggregation", "type"), "must be COUNT")
        condition_set = None
        if "conditionSet" in clause:
            inside = (*path, "conditionSet")
            condition_set = self.condition_set(clause["conditionSet"], inside, depth=depth + 1)
        entries = clause.get("groupBy", [])
        group_by: list[Input | None] = []
        if not isinstance(entries, list) or len(entries) > MAX_GROUP_BY:
            self.bad((*path, "groupBy"), f"must be a list of at most {MAX_GROUP_BY} inputs")
        else:
            group_by = [self.input(e, (*path, "groupBy", i)) for i, e in enumerate(entries)]
        return AggregationClause(
            condition_set=condition_set,
            group_by=tuple(entry for entry in group_by if entry is not None),
            window=self.window(clause.get("window"), (*path, "window")),
        )

    def window(self, value: object, path: Path) -> float:
        found = self.mapping(value, path, frozenset({"sizeMs", "hopMs"})) or {}
        size = found.get("sizeMs")
        if isinstance(size, bool) or not isinstance(size, int | float):
            self.bad((*path, "sizeMs"), "must be a number of milliseconds")
        elif not MIN_WINDOW <= size / 1000 <= MAX_WINDOW:
            reason = f"must be between {MIN_WINDOW:.0f} and {MAX_WINDOW:.0f} seconds"
            self.bad((*path, "sizeMs"), reason)
        else:
            return size / 1000
        return 0.0

    def matching(self, value: object, path: Path) -> MatchingValues | None:
        found = self.mapping(value, path, _MATCHING_KEYS)
        if found is None:
            return None
        lists = {key: self.strings(found.get(key, []), (*path, key)) for key in _SCALAR_LISTS}
        locations = []
        entries = found.get("locations", [])
        if not isinstance(entries, list) or len(entries) > MAX_STRINGS:
            self.bad((*path, "locations"), f"must be a list of at most {MAX_STRINGS} locations")
            entries = []
        for index, entry in enumerate(entries):
            try:
                locations.append(location_of(entry))
            except (ValueError, AttributeError) as error:
                self.bad((*path, "locations", index), str(error))
        return MatchingValues(
            strings=lists["strings"],
            text_bank_ids=lists["textBankIds"],
            locations=tuple(locations),
            location_bank_ids=lists["locationBankIds"],
            image_bank_ids=lists["imageBankIds"],
        )
