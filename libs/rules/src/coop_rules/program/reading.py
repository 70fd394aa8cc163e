"""Reads the values of an input from an item.

Guarantees: total: data of an older version of the item type, of another shape, is one value of a
wrong type, which a condition finds out; nulls, and texts that are empty in "All text", are absent.
Must not: judge types.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coop_contracts.config import ItemType, ScalarType
from coop_contracts.event import SignalValue
from coop_rules.language.model import CoopInput
from coop_rules.language.threshold import identifier_of
from coop_rules.language.value import MEDIA_TYPES, ValueSource
from coop_rules.program.state import EvaluationState, MissingValue, Read

_Field = tuple[str, str | None]  # its name, and the type of its container


def reader(values: ValueSource, index: int, item_type: ItemType) -> Read:
    """Reads once for an item: the values are kept in `EvaluationState.inputs[index]`."""
    make = _maker(values, item_type)

    def read(state: EvaluationState) -> list[Any]:
        found = state.inputs[index]
        if found is None:
            found = state.inputs[index] = make(state)
        return found

    return read


def _maker(values: ValueSource, item_type: ItemType) -> Read:
    if values.group is not None:
        return _groups([_maker(one, item_type) for one in values.group])
    if values.source is not None:
        return _derived(_maker(values.source, item_type), values.derived_by)
    match values.coop:
        case None:
            return _field(values)
        case CoopInput.AUTHOR:
            return _author_of_user if item_type.kind == "USER" else _author
        case CoopInput.POLICY:
            return lambda state: list(state.facts.policy_ids)
        case CoopInput.SOURCE:
            return lambda state: [] if state.facts.source is None else [state.facts.source]
        case CoopInput.ALL_TEXT:
            return _all_text(_fields_of(item_type, frozenset({ScalarType.STRING})))
        case _:
            return _any(values.scalar, item_type)


def _author(state: EvaluationState) -> list[Any]:
    creator = state.facts.creator
    return [] if creator is None else [creator]


def _author_of_user(state: EvaluationState) -> list[Any]:
    found = state.facts.creator or state.facts.item
    return [] if found is None else [found]


def _field(values: ValueSource) -> Read:
    name, container, media = values.name, values.container, values.media
    if not name:
        return lambda _state: []  # a field of another item type
    if container is None and not media:

        def plain(state: EvaluationState) -> list[Any]:
            value = state.data.get(name)
            return [] if value is None else [value]

        return plain

    def several(state: EvaluationState) -> list[Any]:
        found = _flat(state.data.get(name), container)
        return [v for v in found if _is_one_of(v, media)] if media else found

    return several


def _flat(value: Any, container: str | None) -> list[Any]:
    if value is None:
        return []
    if container == "ARRAY" and value.__class__ is list:
        return [entry for entry in value if entry is not None]
    if container == "MAP" and value.__class__ is dict:
        return [entry for entry in value.values() if entry is not None]
    return [value]


def _all_text(fields: Sequence[_Field]) -> Read:
    def read(state: EvaluationState) -> list[Any]:
        get = state.data.get
        texts: list[Any] = []
        for name, container in fields:
            value = get(name)
            if value.__class__ is str:
                if value:
                    texts.append(value)
            elif value is not None:
                texts += [v for v in _flat(value, container) if v and v.__class__ is str]
        return [" ".join(texts)] if texts else []

    return read


def _any(scalar: ScalarType, item_type: ItemType) -> Read:
    """Values of every field of the type, and of MEDIA fields that are of it."""
    kinds = frozenset({scalar}) & MEDIA_TYPES
    wanted = frozenset({scalar, ScalarType.MEDIA}) if kinds else frozenset({scalar})
    fields = _fields_of(item_type, wanted)

    def read(state: EvaluationState) -> list[Any]:
        found = [v for name, box in fields for v in _flat(state.data.get(name), box)]
        return [v for v in found if _is_one_of(v, kinds)] if kinds else found

    return read


def _is_one_of(value: Any, kinds: frozenset[ScalarType]) -> bool:
    """Whether a media value is of one of the kinds: a MEDIA value says itself what it is, or that
    nobody knows; one of a field that holds nothing else says nothing."""
    if not isinstance(value, dict) or "mediaType" not in value:
        return True
    found = value["mediaType"]
    return isinstance(found, str) and found in kinds


def _fields_of(item_type: ItemType, wanted: frozenset[ScalarType]) -> list[_Field]:
    found: list[_Field] = []
    for field in item_type.fields:
        container = field.container
        scalar = field.type if container is None else container.value_scalar_type
        if scalar in wanted:
            found.append((field.name, container.container_type if container else None))
    return found


def _groups(parts: Sequence[Read]) -> Read:
    """The group of an item: one tuple of texts, or none where an input of it is not provided."""

    def read(state: EvaluationState) -> list[Any]:
        group = []
        for part in parts:
            found = part(state)
            text = _grouping(found[0]) if len(found) == 1 else None
            if text is None:
                return []
            group.append(text)
        return [tuple(group)]

    return read


def _grouping(value: Any) -> str | None:
    if value.__class__ is str:
        return str(value)
    type_id = value.get("typeId") if isinstance(value, dict) else getattr(value, "type_id", None)
    found = identifier_of(value)
    # A user's id is unique within its type only.
    return None if found is None else f"{type_id}/{found}"


def _derived(source: Read, key: str) -> Read:
    def read(state: EvaluationState) -> list[Any]:
        found = source(state)
        if not found:
            return []
        return [
            MissingValue("there is no value")
            if given is None
            else MissingValue(given.error or "there is no text")
            if given.score.__class__ is not str
            else given.score
            for given in by_position(state, key, len(found))
        ]

    return read


def by_position(state: EvaluationState, key: str, count: int) -> list[SignalValue | None]:
    """The values given for a need, for each of `count` input values."""
    found: list[SignalValue | None] = [None] * count
    for given in state.signals.get(key, ()):
        if 0 <= given.position < count:
            found[given.position] = given
    return found
