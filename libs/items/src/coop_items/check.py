"""What checking an item's data gives, and the parts that generated validators call.

Guarantees: `CompiledItemType.check` never raises on any JSON value and never changes its argument.
Must not: be called for every field of a good item; generated code only comes here when something is
wrong, unknown or related.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from coop_contracts.config import ItemType
from coop_contracts.error import ApiError, pointer
from coop_contracts.event import ItemRef
from coop_items.medium import MediaField
from coop_items.refusal import (
    MAX_ELEMENT_ERRORS,
    DoubtfulValue,
    NotAnItemValue,
    data_error,
    missing_error,
    name_of,
    role_error,
    value_error,
)
from coop_items.text import check_json, check_text

Variant = Literal["original", "partial"]


class Checked(NamedTuple):
    """`data` is the coerced JSON object, whole only when `errors` is empty.

    `unknown_fields` are kept in `data` as they were sent; `creator` is the value of the creatorId
    role, or None. `doubtful` are the pointers of values that Coop accepts and that are of no use as
    what their field is for; they are kept as text.
    """

    data: dict[str, Any]
    errors: list[ApiError]
    unknown_fields: tuple[str, ...]
    creator: ItemRef | None
    doubtful: tuple[str, ...] = ()


Validator = Callable[[dict[str, Any], str], Checked]
Coercer = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class CompiledItemType:
    """An item type as two validators: of whole items, and of partial ones (no field required).
    `media` are its fields of pictures and films."""

    item_type: ItemType
    original: Validator
    partial: Validator
    media: tuple[MediaField, ...] = ()

    def check(self, data: Any, pointer_base: str, variant: Variant = "original") -> Checked:
        """Coerce and check the data of one item.

        `pointer_base` is the JSON pointer of `data` in the request, such as `/items/3/data`.
        """
        if type(data) is not dict:
            error = data_error(pointer_base, "The data of an item must be a JSON object.")
            return Checked({}, [error], (), None)
        validate = self.partial if variant == "partial" else self.original
        return validate(data, pointer_base)


def add_missing(errors: list[ApiError], at: str, field: str) -> None:
    """A required field has no value."""
    errors.append(missing_error(at, field))


def add_refused(
    errors: list[ApiError], at: str, field: str, value: Any, refused: NotAnItemValue
) -> None:
    """A field's value is refused."""
    errors.append(value_error(at, field, value, refused))


def add_element_refused(
    errors: list[ApiError], at: str, field: str, key: str | int, value: Any, refused: NotAnItemValue
) -> None:
    """An element of a list, or an entry of a map, is refused."""
    errors.append(value_error(at + pointer(key), field, value, refused))


def keep_entry(
    coerce_key: Coercer,
    coerce: Coercer,
    entry: tuple[str, Any],
    doubtful: list[str],
    at: str,
) -> tuple[Any, Any]:
    """Key and value of a map's entry, at least one of which is doubtful. Raises NotAnItemValue."""
    kept = []
    for one, part in ((coerce_key, entry[0]), (coerce, entry[1])):
        try:
            kept.append(one(part))
        except DoubtfulValue as value:
            kept.append(value.kept)
            doubtful.append(at + pointer(entry[0]))
    return kept[0], kept[1]


def too_many(errors: list[ApiError], at: str, field: str, bad: int) -> bool:
    """Whether a container has had enough errors listed; says so in the last one."""
    if bad < MAX_ELEMENT_ERRORS:
        return False
    errors.append(
        data_error(
            at, f"The field {name_of(field)} has more invalid elements; these are the first."
        )
    )
    return True


def keep_unknown(
    data: dict[str, Any],
    known: frozenset[str],
    out: dict[str, Any],
    errors: list[ApiError],
    base: str,
) -> tuple[str, ...]:
    """Copy the fields the item type does not have; returns their names. Nulls are dropped."""
    names = []
    for name, value in data.items():
        if name in known or value is None:
            continue
        try:
            check_text(name)
            out[name] = check_json(value)
        except NotAnItemValue as error:
            errors.append(value_error(base + pointer(name), name, value, error))
        else:
            names.append(name)
    return tuple(names)


def check_roles(
    out: dict[str, Any],
    errors: list[ApiError],
    base: str,
    needs: tuple[tuple[str, str], ...],
) -> None:
    """The cross-field rules: for each (field, needed field), a value needs the other's value.

    A needed field that was sent and refused has its error already.
    """
    absent: dict[str, list[str]] = {}
    refused = {error.pointer for error in errors}
    for field, needed in needs:
        at = base + pointer(needed)
        if field in out and needed not in out and at not in refused:
            absent.setdefault(needed, []).append(field)
    for needed, fields in absent.items():
        named = " and ".join(name_of(field) for field in fields)
        errors.append(
            role_error(
                base + pointer(needed),
                f"The field {name_of(needed)} must have a value because {named} has one.",
            )
        )
