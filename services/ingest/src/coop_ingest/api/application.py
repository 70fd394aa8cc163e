"""The FastAPI application: every route, documented in OpenAPI, and the answers for no route.

Guarantees: what the document says of bodies and answers is made of the structs that read and write
them; of the webhooks that other services send, of the structs that these are held against.
Must not: parse bodies; the routes do, after authentication.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Sequence, Set
from inspect import cleandoc
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from coop_contracts.error import ErrorBody, ErrorType
from coop_contracts.ids import new_id
from coop_contracts.lookup import ItemRecord
from coop_contracts.webhook import WEBHOOKS, InfoAnswer
from coop_ingest import metric, wire
from coop_ingest.answer import Answer, refusal_answer
from coop_ingest.api.edge import BASE, EdgeRoute, internal_error, respond
from coop_ingest.refusal import Refusal, error

_NAME_IN_PATH = re.compile(r"\{(\w+)\}")
_TEMPLATE = "#/components/schemas/{name}"
_STRUCTS = (
    wire.Item,
    wire.Items,
    wire.Report,
    wire.Appeal,
    wire.ActionOrder,
    wire.Content,
    wire.ContentResult,
    wire.PartialResult,
    wire.ReportAccepted,
    wire.Policies,
    ItemRecord,
    ErrorBody,
    InfoAnswer,
    *(body for _, body, _ in WEBHOOKS.values()),
)
# Parts that are read one by one are Raw in the structs, which says nothing in a schema.
_ITEMS_IN = {
    "Items": ("items",),
    "Report": ("reportedItem", "reportedItemThread", "additionalItems"),
    "Appeal": ("actionedItem", "additionalItems"),
}
_ERRORS = {
    400: "The request is wrong; every problem is listed with its pointer.",
    401: "The API key is missing, unknown, revoked or expired.",
    403: "The API key lacks the scope that this needs, or the organisation is suspended.",
    404: "You have no such item, or none that is still kept.",
    409: "The Idempotency-Key was used otherwise, or appeals are off.",
    413: "Over a limit.",
    415: "The body is not JSON, or packed in an unknown way.",
    429: "Too many requests; see Retry-After.",
    503: "The event log does not acknowledge; see Retry-After. Nothing was kept. Or the rules did "
    "not answer a request with `sync` in time: it says that the item is kept.",
}
# coop_ingest.notice writes them.
_NOTICES = {
    "X-Coop-Unknown-Fields": "Fields that the item types do not have; kept as sent.",
    "X-Coop-Replaced-Characters": "Texts in which U+FFFD stands for what cannot be kept.",
    "X-Coop-Doubtful-Values": "Values of no use as what their field is for; kept.",
    "X-Coop-Unknown-References": "What is named and does not exist.",
}
_SIGNATURES = {
    "webhook-id": "The same on every attempt.",
    "webhook-timestamp": "Of this attempt, in Unix seconds.",
    "webhook-signature": "Standard Webhooks 1.0.0: `v1,` and HMAC-SHA256, one for each secret.",
    "Coop-Signature": "RSASSA-PKCS1-v1_5 with SHA-256 over the body, base64.",
}
_SUMMARIES: dict[str, tuple[str, str | None, int, str | None]] = {
    "/items/async/": ("Submit items", "Items", 202, "PartialResult"),
    "/content/": ("Submit an item, and hear what its rules say", "Content", 202, None),
    "/items/{typeId}/{id}": ("What is known of an item", None, 200, "ItemRecord"),
    "/report": ("Report an item", "Report", 201, "ReportAccepted"),
    "/report/appeal": ("Appeal against actions", "Appeal", 204, None),
    "/actions/": ("Request an action", "ActionOrder", 202, None),
    "/policies/": ("List policies", None, 200, "Policies"),
}


def build_application(routes: Sequence[EdgeRoute]) -> FastAPI:
    """The application of these routes."""
    application = FastAPI(
        title="Coop",
        version="1",
        description="Content, reports and appeals in. Submissions are kept before the answer.",
        openapi_url=f"{BASE}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for route in routes:
        application.add_api_route(
            BASE + _template(route.path),
            _endpoint(route),
            methods=[route.method],
            response_class=Response,
            openapi_extra=_operation(route),
            include_in_schema=True,
            name=route.prefix,
        )
    application.add_exception_handler(HTTPException, _on_no_route)
    application.add_exception_handler(Exception, _on_fault)
    application.openapi = _documented(application)  # type: ignore[method-assign]
    return application


def _template(path: str) -> str:
    """The path as FastAPI takes it: its last part may have slashes."""
    return f"{path[:-1]}:path}}" if path.endswith("}") else path


def _endpoint(route: EdgeRoute) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def endpoint(request: Request) -> Response:
        return _response(await respond(route, request.scope, request.receive))

    return endpoint


def _response(answer: Answer) -> Response:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
    return Response(answer.body, answer.status, headers)


async def _on_no_route(_request: Request, exception: Exception) -> Response:
    if not isinstance(exception, HTTPException):
        raise exception
    status, kind, reason = exception.status_code, ErrorType.INVALID_USER_INPUT, "method"
    title = "Method not allowed"
    if status == 404:
        kind, reason, title = ErrorType.NOT_FOUND, "not_found", "Not found"
    elif status != 405:
        title = str(exception.detail)
    metric.REFUSED.labels(reason).inc()
    refusal = Refusal("not_found", [error(status, kind, title)])
    response = _response(refusal_answer(refusal, new_id()))
    response.headers.update(exception.headers or {})
    return response


async def _on_fault(_request: Request, _exception: Exception) -> Response:
    # Starlette raises it again after this answer; the edge logs it.
    return _response(internal_error(new_id()))


def _operation(route: EdgeRoute) -> dict[str, Any]:
    """What the document says about a route."""
    summary, body, status, result = _SUMMARIES[route.path]
    more: dict[str, Any] = {}
    success: dict[str, Any] = {"description": "Kept." if body else f"{summary}."}
    if result is not None:
        success["content"] = _content(result)
    if route.path == "/items/async/":
        success["description"] = "Kept. Empty, unless `partial=true`."
    if body is not None:
        success["headers"] = {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in _NOTICES.items()
        }
    if route.path == "/content/":
        success["description"] = "Kept. Empty: nothing was asked with `sync`."
        more["200"] = {
            "description": "Kept, and this is what the rules said (`sync`).",
            "content": _content("ContentResult"),
        }
    errors = {
        str(code): {"description": text, "content": _content("ErrorBody")}
        for code, text in _ERRORS.items()
        if code in _refusals(route, has_body=body is not None)
    }
    operation: dict[str, Any] = {
        "summary": summary,
        "description": f"Needs an API key with the scope `{route.needs}`, or without scopes.",
        "security": [{"apiKey": []}],
        "responses": {str(status): success, **more, **errors},
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": _content(body)}
        operation["parameters"] = _parameters(route)
    elif "{" in route.path:
        operation["parameters"] = [_in_path(name) for name in _NAME_IN_PATH.findall(route.path)]
    return operation


def _refusals(route: EdgeRoute, *, has_body: bool) -> Set[int]:
    if has_body:
        return _ERRORS.keys() - {404}
    found = {401, 403, 429, 503}
    return found | {400, 404} if "{" in route.path else found


def _in_path(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": "Percent-encoded.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 512},
    }


def _parameters(route: EdgeRoute) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
    ]
    if route.path == "/items/async/":
        parameters.append(
            {
                "name": "partial",
                "in": "query",
                "required": False,
                "description": "Keep the valid items and list the errors of the others.",
                "schema": {"type": "boolean", "default": False},
            }
        )
    return parameters


def _content(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _TEMPLATE.format(name=name)}}}


def _documented(application: FastAPI) -> Callable[[], dict[str, Any]]:
    """FastAPI's document with the structs' schemas, made once."""
    generate = application.openapi
    made: dict[str, Any] = {}

    def document() -> dict[str, Any]:
        if not made:
            made.update(generate())
            components = made.setdefault("components", {})
            components["schemas"] = _schemas()
            components["securitySchemes"] = {
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-KEY"}
            }
            made["webhooks"] = {name: {"post": _webhook(name)} for name in WEBHOOKS}
            for operations in made["paths"].values():
                for operation in operations.values():
                    # FastAPI adds an answer 200 of its own to routes that have none.
                    _drop_default_answer(operation["responses"])
        return made

    return document


def _webhook(name: str) -> dict[str, Any]:
    """What the document says about a webhook: where it goes is the organisation's to say."""
    summary, body, answer = WEBHOOKS[name]
    taken: dict[str, Any] = {"description": "Taken." if answer is None else "What is known."}
    if answer is not None:
        taken["content"] = _content(answer)
    return {
        "summary": summary,
        "parameters": [
            {
                "name": header,
                "in": "header",
                "required": True,
                "description": text,
                "schema": {"type": "string"},
            }
            for header, text in _SIGNATURES.items()
        ],
        "requestBody": {"required": True, "content": _content(body.__name__)},
        "responses": {"2XX": taken},
    }


def _drop_default_answer(responses: dict[str, Any]) -> None:
    if any(code in responses for code in ("201", "202", "204")):
        responses.pop("200", None)


def _schemas() -> dict[str, Any]:
    _, components = msgspec.json.schema_components(_STRUCTS, ref_template=_TEMPLATE)
    schemas: dict[str, Any] = dict(components)
    for schema in schemas.values():
        if "description" in schema:
            schema["description"] = cleandoc(schema["description"])
    item = {"$ref": _TEMPLATE.format(name="Item")}
    for name, properties in _ITEMS_IN.items():
        for key in properties:
            schemas[name]["properties"][key] = (
                item if key.endswith("Item") else {"type": "array", "items": item}
            )
    schemas["PartialResult"]["properties"]["errors"] = {
        "type": "array",
        "items": {"$ref": _TEMPLATE.format(name="ApiError")},
    }
    return schemas
