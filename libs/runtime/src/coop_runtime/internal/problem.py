"""Errors of the internal API as RFC 9457 problem bodies: {"type", "title", "status", "detail"?}.

Must not: show a trace, or repeat what the caller sent.
"""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from coop_contracts.call import Problem
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_log = logger("coop.internal.api")


class Refusal(HTTPException):
    """A refusal that programs tell from others of its status, by its `kind`: the last part of the
    problem's type."""

    def __init__(self, status: int, detail: str, *, kind: str) -> None:
        super().__init__(status, detail)
        self.kind = kind


def problem(
    status: int, detail: str | None = None, *, kind: str | None = None, **headers: str
) -> Response:
    """The answer. Header names with `_` for `-`."""
    phrase = HTTPStatus(status).phrase
    body = Problem(
        type="/problems/" + (kind or phrase.lower().replace(" ", "-")),
        title=phrase,
        status=status,
        detail=detail or None,
    )
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        media_type="application/problem+json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def install(app: FastAPI) -> None:
    """Answers every error of the application with a problem body."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Retryable, _unavailable)
    app.add_exception_handler(Exception, _bug)


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [f"{'/'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:20]]
    return problem(422, "; ".join(faults))


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = error.kind if isinstance(error, Refusal) else None
    return problem(error.status_code, str(error.detail) if error.detail else None, kind=kind)


async def _unavailable(_request: Request, error: Exception) -> Response:
    # The reason is for operators: it names what only they know.
    _log.warning("a dependency is not available", error=str(error))
    return problem(503, "not available for now: try again", Retry_After="2")


async def _bug(request: Request, error: Exception) -> Response:
    _log.error("request failed", path=request.url.path, exc_info=error)
    return problem(500)
