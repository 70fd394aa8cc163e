"""A small plain interpreter of item types: what generated validators must be equal to.

It is written from the table of scalars, field by field, with no regard to speed.
"""

from __future__ import annotations

from typing import Any

from coop_contracts.config import Field, ItemType, ScalarType
from coop_contracts.error import pointer
from coop_items.refusal import DoubtfulValue, NotAnItemValue
from coop_items.scalar import scalar_coercers
from coop_items.text import check_json, check_text


class Bad(Exception):
    """Pointers of what is wrong with one field."""

    def __init__(self, *pointers: str) -> None:
        super().__init__(*pointers)
        self.pointers = pointers


def interpret(
    item_type: ItemType, data: dict[str, Any], base: str, *, partial: bool, known: frozenset[str]
) -> tuple[dict[str, Any], set[str], set[str], set[str]]:
    """The coerced data, the pointers of all errors, the unknown fields, the pointers of doubtful
    values."""
    coercers = scalar_coercers(known.__contains__, allow_private_hosts=False)
    sent = {name: value for name, value in data.items() if value is not None}
    out: dict[str, Any] = {}
    errors: set[str] = set()
    doubtful: set[str] = set()
    for field in item_type.fields:
        try:
            found: list[str] | None = None if field.required and not partial else []
            value = read_field(field, sent.get(field.name), coercers, found)
            doubtful.update(base + pointer(field.name) + rest for rest in found or ())
        except Bad as bad:
            errors.update(base + pointer(field.name) + rest for rest in bad.pointers)
            continue
        if value is not None:
            out[field.name] = value
        elif field.required and not partial:
            errors.add(base + pointer(field.name))
    unknown = set()
    for name in sent.keys() - {field.name for field in item_type.fields}:
        try:
            check_text(name)
            out[name] = check_json(sent[name])
            unknown.add(name)
        except NotAnItemValue as refused:
            errors.add(base + pointer(name) + pointer(*refused.path))
    if item_type.kind == "CONTENT":
        errors |= role_pointers(item_type, out, errors, base)
    return out, errors, unknown, doubtful


def read_field(
    field: Field, value: Any, coercers: dict[ScalarType, Any], doubtful: list[str] | None
) -> Any:
    """The field's value, or None for none. Doubtful values are kept and listed, where there is a
    list. Raises Bad."""
    if value is None:
        return None
    container = field.container
    if container is None:
        return read_scalar(coercers[ScalarType(field.type)], value, "", doubtful)
    coerce = coercers[container.value_scalar_type]
    if container.container_type == "ARRAY":
        if not isinstance(value, list):
            raise Bad("")
        return collect(
            [
                (i, lambda e=e, i=i: read_scalar(coerce, e, pointer(i), doubtful))
                for i, e in enumerate(value)
            ]
        )
    if not isinstance(value, dict):
        raise Bad("")
    assert container.key_scalar_type is not None
    coerce_key = coercers[container.key_scalar_type]
    entries: dict[str, Any] = {}
    bad: list[str] = []
    for key, element in value.items():
        try:
            new_key = read_scalar(coerce_key, key, pointer(key), doubtful)
            new_value = read_scalar(coerce, element, pointer(key), doubtful)
        except Bad as error:
            bad += error.pointers
            continue
        if new_key is None or new_value is None:
            continue
        text = {True: "true", False: "false"}[new_key] if isinstance(new_key, bool) else new_key
        if isinstance(text, (int, float)):
            text = coercers[ScalarType.ID](text)
        if text in entries:
            bad.append(pointer(key))
        entries[text] = new_value
    if bad:
        raise Bad(*bad)
    return entries


def collect(reads: list[Any]) -> list[Any]:
    """Every element, or all that is bad."""
    values: list[Any] = []
    bad: list[str] = []
    for _, read in reads:
        try:
            values.append(read())
        except Bad as error:
            bad += error.pointers
    if bad:
        raise Bad(*bad)
    return [value for value in values if value is not None]


def read_scalar(coerce: Any, value: Any, at: str, doubtful: list[str] | None) -> Any:
    if value is None:
        raise Bad(at)
    try:
        return coerce(value)
    except DoubtfulValue as refused:
        if doubtful is None:
            raise Bad(at) from None
        doubtful.append(at)
        return refused.kept
    except NotAnItemValue as refused:
        raise Bad(at + pointer(*refused.path)) from None


def role_pointers(
    item_type: ItemType, out: dict[str, Any], errors: set[str], base: str
) -> set[str]:
    roles = item_type.field_roles
    found = set()
    pairs = [
        (roles.parent_id, roles.thread_id),
        (roles.parent_id, roles.created_at),
        (roles.thread_id, roles.created_at),
    ]
    for field, needed in pairs:
        if field is None or needed is None:
            continue
        at = base + pointer(needed)
        if field in out and needed not in out and at not in errors:
            found.add(at)
    return found
