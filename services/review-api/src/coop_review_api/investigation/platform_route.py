"""The internal API that ingest asks for platforms (`coop_contracts.lookup`).

    GET /internal/v1/orgs/{org}/item?typeId=&itemId=    an item and what was done about it

Guarantees: behind the gate; every query names its organisation; a question that is not what the
call asks is refused with 422; errors are problems.
Must not: be reachable from outside: ingest is its caller and checks whose the key is.
"""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.call import ROOT, Problem
from coop_contracts.event import ItemRef
from coop_contracts.lookup import GET_ITEM, ItemQuestion
from coop_review_api.history.reader import ItemReader
from coop_review_api.investigation.platform_item import record_of
from coop_review_api.kernel.clock import Clock
from coop_runtime.database.engine import transaction
from coop_runtime.internal.gate import Gate
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_log = logger(__name__)


class _Lookups:
    """The routes, over one history."""

    def __init__(self, engine: AsyncEngine, reader: ItemReader, *, clock: Clock) -> None:
        self._engine = engine
        self._reader = reader
        self._clock = clock

    async def item(self, request: Request, org_id: str) -> Response:
        """The item as it was sent last, with what was done about it; 404 where there is none."""
        asked = _question(request)
        item = ItemRef(id=asked.item_id, type_id=asked.type_id)
        found = await self._reader.latest(org_id, item)
        if found is None:
            raise HTTPException(404, "no such item")
        async with transaction(self._engine) as connection:
            record = await record_of(connection, org_id, found, now=self._clock())
        return Response(msgspec.json.encode(record), media_type="application/json")


def lookups(engine: AsyncEngine, reader: ItemReader, *, clock: Clock, token: str) -> Gate:
    """The application behind its gate."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    routes = _Lookups(engine, reader, clock=clock)
    app.add_api_route(
        f"{ROOT}/{{org_id}}/{GET_ITEM.path}",
        routes.item,
        methods=[GET_ITEM.method],
        response_model=None,
    )
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Retryable, _unavailable)
    app.add_exception_handler(Exception, _bug)
    return Gate(app, token=token)


def _question(request: Request) -> ItemQuestion:
    given = request.query_params.multi_items()
    try:
        asked = msgspec.convert(dict(given), ItemQuestion)
    except msgspec.ValidationError as error:
        raise HTTPException(422, f"query: {error}") from None
    if len(given) != len(msgspec.structs.fields(ItemQuestion)):
        raise HTTPException(422, "query: a parameter too many")
    if "\0" in asked.item_id + asked.type_id:
        # Nothing here can have such an id.
        raise HTTPException(404, "no such item")
    return asked


def _problem(status: int, detail: str | None = None, **headers: str) -> Response:
    phrase = HTTPStatus(status).phrase
    kind = "/problems/" + phrase.lower().replace(" ", "-")
    body = Problem(type=kind, title=phrase, status=status, detail=detail)
    media = "application/problem+json"
    return Response(msgspec.json.encode(body), status, headers, media_type=media)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(error.status_code, str(error.detail) if error.detail else None)


async def _unavailable(_request: Request, error: Exception) -> Response:
    _log.warning("the database is not available", error=str(error))
    return _problem(503, "the database is not available", **{"Retry-After": "2"})


async def _bug(request: Request, error: Exception) -> Response:
    _log.error("request failed", path=request.url.path, exc_info=error)
    return _problem(500)
