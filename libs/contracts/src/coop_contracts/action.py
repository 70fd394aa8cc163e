"""What an action may be done to, and which values of its parameters it takes.

One reading for everybody who asks for an action: the public API, a reviewer's decision, a rule, a
bulk job. Values: unknown names and empty required ones are refused, empty optional ones left out,
defaults are applied.
Must not: coerce. A value of another type is a fault.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from coop_contracts.config import Action, ActionParameter

MAX_TEXT = 100_000  # characters of one value

# What stands for no value, by the parameter's type.
_EMPTY: Mapping[str, Any] = {"STRING": "", "SELECT": "", "MULTISELECT": []}


class ValueFault(NamedTuple):
    """What is wrong with the value of the parameter `name`."""

    name: str
    reason: str


def applies_to(action: Action, *, item_type_id: str, item_kind: str) -> bool:
    """Whether the action can be done to items of this type."""
    return item_type_id in action.item_type_ids or item_kind in action.applies_to_all_items_of_kind


def resolve_values(
    parameters: Sequence[ActionParameter], values: Mapping[str, Any] | None
) -> tuple[dict[str, Any], list[ValueFault]]:
    """The values with defaults applied, and everything that is wrong with them.

    As in Coop: a default stands in for a name that is not given, not for one given as null; an
    optional value that is empty (`""`, or `[]` of a MULTISELECT) is left out.
    """
    values = values or {}
    resolved: dict[str, Any] = {}
    known = {parameter.name: parameter for parameter in parameters}
    faults = [
        ValueFault(name, "the action has no such parameter") for name in values if name not in known
    ]
    for name, parameter in known.items():
        value = values.get(name, parameter.default_value)
        if value is None or value == _EMPTY.get(parameter.type):
            if parameter.required:
                faults.append(ValueFault(name, "required"))
            continue
        faults.extend(ValueFault(name, reason) for reason in value_faults(parameter, value))
        resolved[name] = value
    return resolved, faults


def value_faults(parameter: ActionParameter, value: Any) -> Iterator[str]:
    """Why the value is not one of this parameter's."""
    allowed = {option.value for option in parameter.options}
    match parameter.type:
        case "STRING":
            longest = parameter.max_length or MAX_TEXT
            if not isinstance(value, str):
                yield "must be a string"
            elif len(value) > longest:
                yield f"at most {longest} characters"
        case "NUMBER":
            yield from _number_faults(parameter, value)
        case "BOOLEAN":
            if not isinstance(value, bool):
                yield "must be true or false"
        case "SELECT":
            if not isinstance(value, str) or value not in allowed:
                yield "must be one of the options"
        case "MULTISELECT":
            strings = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
            if not strings or not allowed.issuperset(value):
                yield "must be a list of options"


def _number_faults(parameter: ActionParameter, value: Any) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield "must be a number"
    elif not math.isfinite(value):
        yield "must be finite"
    elif parameter.min is not None and value < parameter.min:
        yield f"at least {parameter.min:g}"
    elif parameter.max is not None and value > parameter.max:
        yield f"at most {parameter.max:g}"
