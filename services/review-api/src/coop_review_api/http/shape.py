"""What JSON looks like that a struct made, or that a parser of its own reads: the description says
its members.

    payload: Annotated[dict[str, Any], Shape(SubmittedItem)]

Guarantees: what is described is the struct that the JSON was written by, so it cannot drift (or a
model of it, where no struct says as much); of several, one fits. Nothing is read, copied or checked
when an answer is made.
Must not: check what callers send: where a body has JSON that a parser of its own reads, this only
says what that takes; all other bodies are models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.json_schema import models_json_schema
from pydantic_core import CoreSchema

M = TypeVar("M", bound=BaseModel)

_MARK: Final = "x-shape"
_REF: Final = "#/components/schemas/{name}"

_known: dict[str, type] = {}
_answered: set[str] = set()
_members: dict[str, dict[str, type]] = {}


class Shape:
    """An annotation of a `dict[str, Any]`: the JSON of one of these structs or models. `members`
    are those that the struct itself leaves open, by their names on the wire."""

    def __init__(self, *kinds: type, members: Mapping[str, type] | None = None) -> None:
        self._names = tuple(kind.__name__ for kind in kinds)
        for kind in (*kinds, *(members or {}).values()):
            if _known.setdefault(kind.__name__, kind) is not kind:
                raise ValueError(f"two shapes are called {kind.__name__}")
        for kind in kinds:
            _members.setdefault(kind.__name__, {}).update(members or {})

    @property
    def kinds(self) -> list[type]:
        """The structs and models themselves."""
        return [_known[name] for name in self._names]

    @classmethod
    def reference(cls, kind: type) -> dict[str, Any]:
        """What stands for a reference to this one in a description that is written by hand."""
        _known.setdefault(kind.__name__, kind)
        return {"type": "object", _MARK: [kind.__name__]}

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        # A reference that pydantic does not know it would not let pass: `resolved` puts it in.
        return {"type": "object", _MARK: list(self._names)}


class NamedShape(Shape):
    """The model of a slice that stands above, by its name: the slice says what is called so
    (`named`). The field's value is one."""

    def __init__(self, name: str) -> None:
        self._names = (name,)


def named(kind: type[M]) -> type[M]:
    """A decorator of the model that a `NamedShape` means by its name; a route answers with it, so
    that it is in the description anyway."""
    Shape(kind)
    _answered.add(kind.__name__)
    return kind


def resolved(schema: dict[str, Any]) -> None:
    """Puts the shapes that are named into the description's components, and references to them
    where they are named. Raises ValueError where a model has a shape's name."""
    components = schema["components"]["schemas"]
    done = _answered & set(components)
    # A shape may name others.
    while wanted := sorted(set(_names(schema)) - done):
        done.update(wanted)
        made = _described([_known[name] for name in wanted])
        for name, one in made.items():
            if not _is_same(components.setdefault(name, one), one):
                raise ValueError(f"a model has the name of the shape {name}")
    _refer(schema)


def _is_same(known: dict[str, Any], made: dict[str, Any]) -> bool:
    """An enumeration is told a little differently by structs and by models."""
    return known == made or ("enum" in known and set(known["enum"]) == set(made.get("enum", ())))


def _described(kinds: Sequence[type]) -> dict[str, Any]:
    models = [kind for kind in kinds if issubclass(kind, BaseModel)]
    structs = [kind for kind in kinds if not issubclass(kind, BaseModel)]
    _, made = models_json_schema(
        [(model, "serialization") for model in models], ref_template=_REF.format(name="{model}")
    )
    _, of_structs = msgspec.json.schema_components(structs, ref_template=_REF)
    # Defaults of structs are tuples and structs: as JSON they are lists and objects.
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(of_structs))
    for name, one in found.items():
        for member, kind in _members.get(name, {}).items():
            one["properties"][member] = {"type": "object", _MARK: [kind.__name__]}
    return {**made.get("$defs", {}), **found}


def _names(node: Any) -> Iterable[str]:
    if isinstance(node, dict):
        yield from node.get(_MARK, ())
        for inner in node.values():
            yield from _names(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _names(inner)


def _refer(node: Any) -> None:
    """Replaces each mark by its reference."""
    if isinstance(node, dict):
        names = node.pop(_MARK, None)
        if names is not None:
            node.pop("type", None)
            node.pop("additionalProperties", None)
            references = [{"$ref": _REF.format(name=name)} for name in names]
            node.update(references[0] if len(references) == 1 else {"anyOf": references})
        for inner in node.values():
            _refer(inner)
    elif isinstance(node, list):
        for inner in node:
            _refer(inner)
