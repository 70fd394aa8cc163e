"""What an address may say: the parameters that its operation has, and no others.

A list under a stale link, or one with a slip in a filter's name, would otherwise be another list
without a word.

Guarantees: a parameter that the operation does not have is a fault with its name; while a request
is handled, the list that its cursors belong to is known (`http.page`).
Must not: judge values; the operation's own parameters do.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request

from coop_review_api.http.page import CURRENT_LIST
from coop_review_api.kernel.error import Fault, Invalid
from coop_runtime.process.asgi import App, Receive, Scope, Send

ADDRESSED_BY_OTHERS = "x-addressed-by-others"
"""Of an operation (in `openapi_extra`) to which other people's servers send browsers, with
parameters of theirs."""

_MAX_FAULTS = 20
_MAX_NAME = 100


def strict(route: APIRoute) -> None:
    """Lets the route refuse what it does not know; once, however often it is asked for."""
    if not isinstance(route.app, _Strict):
        route.app = _Strict(route)


class _Strict:
    """The ASGI application of one route, behind its check."""

    def __init__(self, route: APIRoute) -> None:
        self._app: App = route.app
        self._list = route.path
        extra = route.openapi_extra or {}
        self._known = None if ADDRESSED_BY_OTHERS in extra else frozenset(_names(route.dependant))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._known is not None and scope["query_string"]:
            faults = [
                Fault(f"#/query/{name[:_MAX_NAME]}", "not a parameter of this address")
                for name in Request(scope).query_params
                if name not in self._known
            ]
            if faults:
                raise Invalid(faults[:_MAX_FAULTS])
        token = CURRENT_LIST.set(self._list)
        try:
            await self._app(scope, receive, send)
        finally:
            CURRENT_LIST.reset(token)


def _names(dependant: Dependant) -> Iterator[str]:
    """The names of all parameters of the query, in whatever depth; a model's are its fields'."""
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            for name, one in model.model_fields.items():
                yield one.alias or name
        else:
            yield field.alias
    for inner in dependant.dependencies:
        yield from _names(inner)
