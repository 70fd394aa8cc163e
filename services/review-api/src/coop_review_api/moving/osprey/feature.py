"""Features of Osprey's as fields of an item here.

    $.post.text ─▶ the field `post.text`, or the one that the operator names

Guarantees: one field for one path; types are those that are written down.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import msgspec

from coop_contracts.config import Container, Field, ScalarType
from coop_review_api.moving.osprey.ruleset import Definition, RulesetError, arguments_of

ACTION_NAME: Final = "action_name"
_CHAIN: Final = re.compile(r"\$((?:\.[A-Za-z_][A-Za-z0-9_-]*)+)", re.ASCII)
_SCALARS: Final = {
    "str": ScalarType.STRING,
    "int": ScalarType.NUMBER,
    "float": ScalarType.NUMBER,
    "bool": ScalarType.BOOLEAN,
}
_FUNCTIONS: Final = frozenset({"JsonData", "EntityJson"})

FeatureKind = Literal["STRING", "NUMBER", "BOOLEAN", "LIST"]
_KINDS: Final[Mapping[ScalarType, FeatureKind]] = {
    ScalarType.STRING: "STRING",
    ScalarType.NUMBER: "NUMBER",
    ScalarType.BOOLEAN: "BOOLEAN",
}


class UnmappedError(Exception):
    """What has no counterpart here: `reason`, and its place."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


@dataclass(frozen=True)
class Feature:
    """A field, of a scalar or a list of them; without a value an `optional` one is None, any other
    fails whatever needs it."""

    field: str
    scalar: ScalarType
    is_list: bool
    optional: bool

    @property
    def kind(self) -> FeatureKind:
        return "LIST" if self.is_list else _KINDS[self.scalar]

    def as_field(self) -> Field:
        """As it stands in an item type; nothing is required of an event."""
        if not self.is_list:
            return Field(name=self.field, type=self.scalar)
        container = Container(container_type="ARRAY", value_scalar_type=self.scalar)
        return Field(name=self.field, type="ARRAY", container=container)


@dataclass
class Features:
    """Those that were needed. `names` are fields by path, as the operator wants them."""

    names: Mapping[str, str] = field(default_factory=dict)
    needed: dict[str, Feature] = field(default_factory=dict)

    def of(self, made: Definition) -> Feature | None:
        """The feature that a definition makes; None where it makes none. Raises `UnmappedError`."""
        match made.value:
            case ast.Call(func=ast.Name(id="GetActionName")):
                return self._need(Feature(ACTION_NAME, ScalarType.STRING, False, False), made)
            case ast.Call(func=ast.Name(id=name)) as call if name in _FUNCTIONS:
                path = (arguments_of(call) or {}).get("path")
                if not isinstance(path, ast.Constant) or not isinstance(path.value, str):
                    raise UnmappedError(made.place, "its path is no text")
                scalar, is_list, optional = _type_of(made)
                name = self._field_of(path.value, made)
                return self._need(Feature(name, scalar, is_list, optional), made)
        return None

    def _field_of(self, path: str, made: Definition) -> str:
        if path in self.names:
            return self.names[path]
        chain = _CHAIN.fullmatch(path)
        if chain is None:
            raise UnmappedError(made.place, f"the path {path[:60]} is no chain of names")
        return chain[1][1:]

    def _need(self, feature: Feature, made: Definition) -> Feature:
        known = self.needed.setdefault(feature.field, feature)
        if (known.scalar, known.is_list) != (feature.scalar, feature.is_list):
            raise UnmappedError(made.place, f"{feature.field} has another type elsewhere")
        return feature


def fields_in(path: Path) -> dict[str, str]:
    """The operator's names of fields, by path. Raises `RulesetError`."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError) as error:
        raise RulesetError(f"{path}: {error}") from None


def _type_of(made: Definition) -> tuple[ScalarType, bool, bool]:
    """Scalar, whether a list, whether None is a value of it."""
    unmapped = UnmappedError(made.place, "its type is none that an item's field can have")
    annotation, optional, is_list = made.annotation, False, False
    if annotation is None:
        raise UnmappedError(made.place, "its type is not written down")
    for _ in range(4):
        match annotation:
            case ast.Name(id=name) if name in _SCALARS:
                return _SCALARS[name], is_list, optional
            case ast.Subscript(value=ast.Name(id="Optional"), slice=inner) if not is_list:
                annotation, optional = inner, True
            case ast.Subscript(value=ast.Name(id="Entity"), slice=inner):
                annotation = inner
            case ast.Subscript(value=ast.Name(id="List" | "list"), slice=inner) if not is_list:
                annotation, is_list = inner, True
            case ast.BinOp(left=inner, op=ast.BitOr(), right=ast.Constant(value=None)):
                annotation, optional = inner, True
            case _:
                raise unmapped
    raise unmapped
