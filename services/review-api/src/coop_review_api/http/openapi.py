"""The description of this API: OpenAPI 3.1.

Guarantees: every operation has its own name; every error it can answer is declared, as a problem
body (RFC 9457) that all share, and none that it cannot for lack of a body, a parameter or a
condition; so are the session and the token that it needs.
Must not: describe what a route does; its docstring does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from coop_review_api.http.authentication import COOKIE, CSRF_HEADER, Access
from coop_review_api.http.body import JsonBody
from coop_review_api.http.conditional import TAGGED
from coop_review_api.http.problem import MEDIA_TYPE, Problem
from coop_review_api.http.shape import resolved

TITLE = "Coop review API"

_REF = "#/components/schemas/{model}"
_PROBLEM = {
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_SESSION, _CSRF = "session", "csrf"
_SCHEMES = {
    _SESSION: {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "What signing in sets; over TLS its name begins with `__Host-`.",
    },
    _CSRF: {
        "type": "apiKey",
        "in": "header",
        "name": CSRF_HEADER,
        "description": "`csrfToken` of the answer to signing in: for whatever changes something.",
    },
}
_HEADERS = {
    "ETag": "For `If-None-Match`; of a document its revision, in quotes, for `If-Match` too.",
    "Retry-After": "Seconds to wait.",
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
    "415": "The body is not of a type that is read here.",
    "416": "The file has no such bytes.",
    "422": "The input has faults; each with its pointer.",
    "429": "Too many attempts; see Retry-After.",
    "500": "A fault of this service.",
    "502": "The organisation's platform cannot be asked, or answers wrongly.",
    "503": "A dependency is not available; see Retry-After.",
}


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the application, made once."""
    if app.openapi_schema is None:
        schema = get_openapi(title=TITLE, version="1", routes=app.routes)
        _add_models(schema, app)
        resolved(schema)
        for route in app.routes:
            if not isinstance(route, APIRoute):
                continue
            for method in route.methods or ():
                operation = schema["paths"][route.path_format][method.lower()]
                is_public = _is_public(route)
                operation["summary"] = summary_of(operation["operationId"])
                operation["security"] = _security(method, is_public=is_public)
                responses = operation["responses"]
                responses.pop("422", None)  # FastAPI's own model of it
                for status in _errors(operation, method, is_public=is_public):
                    responses[status] = {"$ref": f"#/components/responses/{_name_of(status)}"}
        for item in schema["paths"].values():
            _say_conditional(item)
        components = schema.setdefault("components", {})
        components["responses"] = {_name_of(status): _error_response(status) for status in _ERRORS}
        components["securitySchemes"] = _SCHEMES
        app.openapi_schema = schema
    return app.openapi_schema


def summary_of(operation_id: str) -> str:
    """Words: `listUserStrikes` is "List user strikes"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", operation_id).lower()
    return words[:1].upper() + words[1:]


def _name_of(status: str) -> str:
    return HTTPStatus(int(status)).phrase.title().replace(" ", "").replace("-", "")


def _error_response(status: str) -> dict[str, Any]:
    found: dict[str, Any] = {"description": _ERRORS[status], **_PROBLEM}
    if status in ("429", "503"):
        found["headers"] = {"Retry-After": _header("Retry-After", "integer")}
    if status == "412":
        found["headers"] = {"ETag": _header("ETag", "string")}
    return found


def _header(name: str, kind: str) -> dict[str, Any]:
    return {"description": _HEADERS[name], "schema": {"type": kind}}


def _security(method: str, *, is_public: bool) -> list[dict[str, list[str]]]:
    """None of a public operation; the session, and its token for what changes something."""
    if is_public:
        return []
    return [{_SESSION: []} if method == "GET" else {_SESSION: [], _CSRF: []}]


def _say_conditional(item: dict[str, Any]) -> None:
    """The operations of a path whose document is replaced under `If-Match` give its revision; what
    has a tag of what it says gives that."""
    if item.get("get", {}).pop(TAGGED, False):
        _say_tag(item["get"])
    named = {one["name"] for op in item.values() for one in op.get("parameters", [])}
    if "If-Match" not in named:
        return
    for method, operation in item.items():
        if method == "get":
            _say_tag(operation)
        elif "200" in operation["responses"]:
            operation["responses"]["200"]["headers"] = {"ETag": _header("ETag", "string")}


def _say_tag(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    responses["200"].setdefault("headers", {})["ETag"] = _header("ETag", "string")
    responses["304"] = {"description": "It is what `If-None-Match` names."}


def _errors(operation: dict[str, Any], method: str, *, is_public: bool) -> Iterator[str]:
    """What the operation may answer, beside what is right."""
    parameters = operation.get("parameters", [])
    has_body = "requestBody" in operation
    is_reading = method == "GET"
    yield from ("400", "500", "503")
    if not (is_public and is_reading):
        yield from ("401", "403")
    yield "422"  # a parameter that it does not have is a fault, too
    if parameters or has_body or not is_reading:
        yield from ("404", "409")
    if has_body:
        yield from ("408", "413", "415")
    if any(one["name"] == "If-Match" for one in parameters):
        yield "412"
    if is_public or not is_reading:
        yield "429"
    if operation["operationId"] in ("getPartialItem", "getMedia"):
        yield "502"
    if operation["operationId"] == "getMedia":
        yield "416"


def _is_public(route: APIRoute) -> bool:
    return any(
        isinstance(dependency.call, Access) and dependency.call.is_public
        for dependency in route.dependant.dependencies
    )


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
