"""What a route takes from its address."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel


def query_names(route: APIRoute) -> list[str]:
    """The names of all parameters of its query, those of a model each by itself."""
    return list(dict.fromkeys(_names(route.dependant)))


def _names(dependant: Dependant) -> Iterator[str]:
    for one in dependant.query_params:
        model = one.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            for name, field in model.model_fields.items():
                yield field.alias or name
        else:
            yield one.alias
    for part in dependant.dependencies:
        yield from _names(part)
