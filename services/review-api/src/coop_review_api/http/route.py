"""What routes that are made for a kind of document are made with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Header
from pydantic import BaseModel, create_model

from coop_review_api.http.body import Model

IF_MATCH = Header(default=None, alias="If-Match", description='`"<revision>"` that you saw.')


def model_of(name: str, description: str, **fields: Any) -> Any:
    """A model of this API's wire; `fields` as pydantic's `create_model`."""
    return create_model(name, __base__=Model, __doc__=description, **fields)


def add_route(
    router: APIRouter,
    path: str,
    endpoint: Callable[..., Any],
    method: str,
    operation_id: str,
    model: type[BaseModel] | None,
    **more: Any,
) -> None:
    """Add an operation under its name; `more` as FastAPI's."""
    router.add_api_route(
        path,
        endpoint,
        methods=[method],
        operation_id=operation_id,
        name=operation_id,
        response_model=model,
        **more,
    )
