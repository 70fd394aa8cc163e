"""Parameters of actions: what a definition may say, and which values satisfy it.

Guarantees: limits are those of Coop (50 parameters; name `[A-Za-z0-9_.-]+` up to 64; options 1 to
100); values are read by `coop_contracts.action`, as everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from coop_contracts import action
from coop_contracts.action import MAX_TEXT
from coop_contracts.config import ActionParameter
from coop_contracts.error import pointer
from coop_review_api.kernel.error import Fault

MAX_PARAMETERS = 50
MAX_OPTIONS = 100
_MAX_NAME = 64
_MAX_LABEL = 200
_MAX_DESCRIPTION = 2000
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def check_parameters(parameters: Sequence[ActionParameter]) -> Iterator[Fault]:
    """Faults of the definitions, with pointers below `/parameters`."""
    if len(parameters) > MAX_PARAMETERS:
        yield Fault("/parameters", f"at most {MAX_PARAMETERS} parameters")
    seen: set[str] = set()
    for position, parameter in enumerate(parameters):
        at = pointer("parameters", position)
        if not _NAME.fullmatch(parameter.name) or len(parameter.name) > _MAX_NAME:
            yield Fault(f"{at}/name", f"letters, digits, _ . - and at most {_MAX_NAME} of them")
        if parameter.name in seen:
            yield Fault(f"{at}/name", "another parameter has this name")
        seen.add(parameter.name)
        if not 1 <= len(parameter.display_name) <= _MAX_LABEL:
            yield Fault(f"{at}/displayName", f"1 to {_MAX_LABEL} characters")
        if len(parameter.description) > _MAX_DESCRIPTION:
            yield Fault(f"{at}/description", f"at most {_MAX_DESCRIPTION} characters")
        yield from _check_options(parameter, at)
        yield from _check_bounds(parameter, at)
        if parameter.default_value is not None:
            for fault in action.value_faults(parameter, parameter.default_value):
                yield Fault(f"{at}/defaultValue", fault)


def _check_options(parameter: ActionParameter, at: str) -> Iterator[Fault]:
    if parameter.type not in {"SELECT", "MULTISELECT"}:
        if parameter.options:
            yield Fault(f"{at}/options", f"a {parameter.type} parameter has no options")
        return
    if not 1 <= len(parameter.options) <= MAX_OPTIONS:
        yield Fault(f"{at}/options", f"1 to {MAX_OPTIONS} options")
    values = [option.value for option in parameter.options]
    for position, option in enumerate(parameter.options):
        if not 1 <= len(option.value) <= _MAX_LABEL or not 1 <= len(option.label) <= _MAX_LABEL:
            here = f"{at}{pointer('options', position)}"
            yield Fault(here, f"value and label of 1 to {_MAX_LABEL} characters")
        if values.index(option.value) != position:
            yield Fault(f"{at}{pointer('options', position, 'value')}", "given twice")


def _check_bounds(parameter: ActionParameter, at: str) -> Iterator[Fault]:
    low, high = parameter.min, parameter.max
    if parameter.type != "NUMBER":
        for name, bound in (("min", low), ("max", high)):
            if bound is not None:
                yield Fault(f"{at}/{name}", "only a NUMBER parameter has bounds")
    elif low is not None and high is not None and low > high:
        yield Fault(f"{at}/min", "above max")
    if parameter.max_length is not None:
        if parameter.type != "STRING":
            yield Fault(f"{at}/maxLength", "only a STRING parameter has a length")
        elif not 1 <= parameter.max_length <= MAX_TEXT:
            yield Fault(f"{at}/maxLength", f"1 to {MAX_TEXT}")


def resolve_values(
    parameters: Sequence[ActionParameter], values: Mapping[str, Any], *, at: str
) -> tuple[dict[str, Any], list[Fault]]:
    """The values with defaults applied, and the faults, with pointers below `at`."""
    resolved, faults = action.resolve_values(parameters, values)
    return resolved, [Fault(at + pointer(name), reason) for name, reason in faults]
