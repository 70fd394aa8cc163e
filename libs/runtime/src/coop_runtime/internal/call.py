"""Calls (`coop_contracts.call`) as routes: what is asked is read, what is answered is written.

    @on(router, LIST_ENDPOINTS)
    async def list_endpoints(
        request: Request,
        org_id: OrgId,
        asked: Annotated[EndpointsQuestion, asking(LIST_ENDPOINTS)],
    ) -> Response:
        return answer(LIST_ENDPOINTS, Endpoints(…))

Guarantees: a route has the call's method, path and status; a question that is not what the call
asks is refused with 422, and so is a parameter that it does not have (it would be a filter that
does not filter), and text with U+0000, which nothing here can have for an id. An address that is
not UTF-8 is refused with 400: it would be another id.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Path, Request
from fastapi.responses import Response
from pydantic import AfterValidator

from coop_contracts.call import ROOT, Answer, Call, Command, Question

PREFIX = f"{ROOT}/{{org_id}}"

_UNSTORABLE = "must not contain U+0000"  # PostgreSQL stores none, so nothing can have such an id

Q = TypeVar("Q", bound=Question | Command)
A = TypeVar("A", bound=Answer)
F = TypeVar("F", bound=Callable[..., Any])


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError(_UNSTORABLE)
    return value


OrgId = Annotated[str, AfterValidator(_storable), Path(min_length=1, max_length=128)]


def on(router: APIRouter, call: Call[Any, Any]) -> Callable[[F], F]:
    """Makes a function the route of a call."""
    return router.api_route(f"/{call.path}", methods=[call.method], response_model=None)


def asking(call: Call[Q, Any]) -> Any:
    """The dependency that reads what the call asks."""

    names = {field.encode_name for field in msgspec.structs.fields(call.asks)} - set(call.ids)

    async def read(request: Request) -> Q:
        _check_address(request)
        given = _query(request, names) if call.method == "GET" else await _body(request)
        given |= {name: request.path_params[name] for name in call.ids}
        try:
            # Not strict: in an address every value is text.
            asked = msgspec.convert(given, call.asks, strict=call.method != "GET")
        except msgspec.ValidationError as error:
            raise HTTPException(422, f"{_place(call)}: {error}") from None
        _check(call, asked)
        return asked

    return Depends(read)


def _check_address(request: Request) -> None:
    try:
        unquote_to_bytes(request.scope["raw_path"]).decode()
        unquote_to_bytes(request.scope["query_string"]).decode()
    except UnicodeDecodeError:
        raise HTTPException(400, "the address is not UTF-8") from None


def _query(request: Request, names: Collection[str]) -> dict[str, Any]:
    given = request.query_params.multi_items()
    for name, _ in given:
        if name not in names:
            raise HTTPException(422, f"query/{name[:100]}: there is no such parameter")
    found = dict(given)
    if len(found) < len(given):
        raise HTTPException(422, "query: a parameter is given twice")
    return found


async def _body(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise HTTPException(422, f"body: {error}") from None


def _check(call: Call[Any, Any], asked: Question | Command) -> None:
    for field in msgspec.structs.fields(asked):
        value = getattr(asked, field.name)
        if isinstance(value, str) and "\0" in value:
            name = f"{_place(call)}/{field.encode_name}"
            raise HTTPException(422, f"{name}: Value error, {_UNSTORABLE}")


def _place(call: Call[Any, Any]) -> str:
    return "query" if call.method == "GET" else "body"


def answer(call: Call[Any, A], told: A) -> Response:
    """The answer of a call."""
    return Response(
        msgspec.json.encode(told), status_code=call.status, media_type="application/json"
    )
