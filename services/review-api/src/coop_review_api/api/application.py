"""The HTTP application: routes, errors, OpenAPI.

Guarantees: everything lies under `/v1`; every operation has a name and its errors are declared.
Must not: build anything that lives longer than the application; `app` does.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from coop_review_api.api import (
    backtest,
    bank_route,
    bulk,
    decision_log,
    delivery,
    explanation,
    integration,
    key,
    notification,
    retroaction,
    review,
    session,
    settings,
    spot_test,
    strike,
    user,
)
from coop_review_api.api.authentication import public
from coop_review_api.api.body import JsonBody
from coop_review_api.api.kind import RESOURCES
from coop_review_api.api.limit import Limit
from coop_review_api.api.problem import MEDIA_TYPE, Problem, install
from coop_review_api.api.resource_route import add_resource
from coop_review_api.context import Context

_TITLE = "Coop review API"
_REF = "#/components/schemas/{model}"
_PROBLEM = {
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_ERRORS: dict[str, str] = {
    "400": "The request cannot be read.",
    "401": "Nobody is signed in, or the credentials are wrong.",
    "403": "The permission, or the CSRF token, is missing.",
    "404": "Not there, or not yours.",
    "408": "The body did not arrive in time.",
    "409": "The present state forbids it.",
    "412": "The document was changed by someone else: read it again.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "The input has faults; each with its pointer.",
    "429": "Too many attempts; see Retry-After.",
    "500": "A fault of this service.",
    "503": "A dependency is not available; see Retry-After.",
}


def build(context: Context) -> FastAPI:
    """The application. `context` is in its state; wrap it with `limited` to serve it."""
    app = FastAPI(title=_TITLE, version="1", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.context = context
    app.state.imports = bank_route.Imports()
    install(app)
    parts = [
        session.router,
        user.router,
        key.router,
        settings.router,
        review.router,
        integration.router,
        explanation.router,
        spot_test.router,
        bank_route.router,
        backtest.router,
        retroaction.router,
        bulk.router,
        decision_log.router,
        notification.router,
        strike.router,
        delivery.router,
    ]
    for resource in RESOURCES:
        part = APIRouter(prefix="/v1", tags=[resource.path])
        add_resource(part, resource)
        parts.append(part)
    for part in parts:
        # Not include_router: the routes stay plain entries of app.routes, for tests to walk.
        app.router.routes.extend(part.routes)

    async def openapi() -> dict[str, Any]:
        """This description."""
        return document(app)

    app.add_api_route(
        "/v1/openapi.json",
        openapi,
        methods=["GET"],
        operation_id="getOpenapi",
        dependencies=[Depends(public)],
        response_model=dict[str, Any],
    )
    return app


def limited(app: FastAPI, *, max_body: int) -> Limit:
    """The application as it is served. `max_body` in bytes."""
    return Limit(app, max_body=max_body, reads_itself=bank_route.is_import)


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    if app.openapi_schema is None:
        schema = get_openapi(title=_TITLE, version="1", routes=app.routes)
        _add_models(schema, app)
        for path in schema["paths"].values():
            for operation in path.values():
                responses = operation["responses"]
                responses.pop("422", None)
                for status, description in _ERRORS.items():
                    responses[status] = {"description": description, **_PROBLEM}
        app.openapi_schema = schema
    return app.openapi_schema


def _add_models(schema: dict[str, Any], app: FastAPI) -> None:
    """Bodies are read by a dependency of our own, so FastAPI does not know their models."""
    bodies = {
        dependency.call.model
        for route in app.routes
        if isinstance(route, APIRoute)
        for dependency in route.dependant.dependencies
        if isinstance(dependency.call, JsonBody)
    }
    wanted = [(model, "validation") for model in sorted(bodies, key=lambda one: one.__name__)]
    _, made = models_json_schema([*wanted, (Problem, "serialization")], ref_template=_REF)  # type: ignore[list-item]
    components = schema.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        components.pop(unused, None)
    components.update(made["$defs"])
