"""Errors as RFC 9457 problem bodies.

    {"type", "title", "status", "detail"?, "errors"?: [{"pointer", "reason"}], "usedBy"?: [...],
     "draftKept"?, "requestId"}

Guarantees: every 4xx and 5xx answer of this API has this shape and media type; a bug answers 500
with its request id and nothing of the inside.
Must not: repeat what the caller sent, or show a trace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException

from coop_contracts.ids import new_id
from coop_queues.error import AlreadyClosed, JobNotFound, LeaseLost, TooManyClaims
from coop_review_api.kernel.error import (
    Conflict,
    Fault,
    Forbidden,
    Invalid,
    NotDecided,
    NotFound,
    QueuePaused,
    ReviewError,
    RevisionMismatch,
    TooManyAttempts,
    Unauthenticated,
    Unavailable,
    UpstreamFailed,
)
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

MEDIA_TYPE = "application/problem+json"

_log = logger("coop.review_api")


class ProblemError(BaseModel):
    """One fault: an RFC 6901 pointer into the request body, or `#/query/…` of a parameter."""

    pointer: str
    reason: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[ProblemError] | None = None
    used_by: list[str] | None = None
    draft_kept: bool | None = None
    request_id: str


_STATUS: dict[type[ReviewError], tuple[int, str]] = {
    Invalid: (422, "invalid"),
    Unauthenticated: (401, "unauthenticated"),
    Forbidden: (403, "forbidden"),
    NotFound: (404, "not-found"),
    Conflict: (409, "conflict"),
    QueuePaused: (409, "queue-paused"),
    RevisionMismatch: (412, "revision-mismatch"),
    TooManyAttempts: (429, "too-many-attempts"),
    UpstreamFailed: (502, "upstream-failed"),
    Unavailable: (503, "unavailable"),
}


def problem(
    status: int,
    kind: str,
    *,
    request_id: str,
    detail: str | None = None,
    faults: Sequence[Fault] = (),
    used_by: Sequence[str] = (),
    draft_kept: bool | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer. `kind` is the last part of the problem's type."""
    body = Problem(
        type=f"/problems/{kind}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=[ProblemError(pointer=f.pointer, reason=f.reason) for f in faults] or None,
        used_by=list(used_by) or None,
        draft_kept=draft_kept,
        request_id=request_id,
    )
    return Response(
        body.model_dump_json(by_alias=True, exclude_none=True),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def request_id_of(request: Request) -> str:
    """The id `http.limit` gave the request."""
    found: str | None = request.scope.get("coop.request_id")
    return found or new_id()


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem body."""
    app.add_exception_handler(ReviewError, _refused)
    app.add_exception_handler(NotDecided, _not_decided)
    for error in (JobNotFound, AlreadyClosed, LeaseLost, TooManyClaims):
        app.add_exception_handler(error, _queue_refused)
    app.add_exception_handler(Retryable, _unavailable)
    app.add_exception_handler(RequestValidationError, _bad_parameters)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ReviewError)
    status, kind = _STATUS[type(error)]
    headers = {}
    if isinstance(error, TooManyAttempts | Unavailable):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, RevisionMismatch):
        headers["ETag"] = f'"{error.current}"'
    return problem(
        status,
        kind,
        request_id=request_id_of(request),
        detail="the input has faults" if isinstance(error, Invalid) else str(error),
        faults=error.faults if isinstance(error, Invalid | Conflict) else (),
        used_by=error.used_by if isinstance(error, Conflict) else (),
        headers=headers,
    )


async def _queue_refused(request: Request, error: Exception) -> Response:
    status, kind, detail = _of_queue(error)
    return problem(status, kind, request_id=request_id_of(request), detail=detail)


def _of_queue(error: Exception) -> tuple[int, str, str]:
    if isinstance(error, JobNotFound):
        return 404, "not-found", "no such job"
    if isinstance(error, AlreadyClosed):
        return 409, "already-closed", str(error)
    if isinstance(error, TooManyClaims):
        return 409, "too-many-claims", "you hold as many jobs as one may: decide or release one"
    return 409, "lease-lost", "you do not hold this job: claim again"


async def _not_decided(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotDecided)
    status, kind, detail = 409, "conflict", str(error.cause)
    if not isinstance(error.cause, ReviewError):
        status, kind, detail = _of_queue(error.cause)
    return problem(status, kind, request_id=request_id_of(request), detail=detail, draft_kept=True)


async def _unavailable(request: Request, error: Exception) -> Response:
    _log.warning("dependency unavailable", error=str(error))
    return problem(
        503,
        "unavailable",
        request_id=request_id_of(request),
        detail="a dependency is not available: try again",
        headers={"Retry-After": "2"},
    )


async def _bad_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [
        Fault("#/" + "/".join(str(part) for part in fault["loc"]), str(fault["msg"]))
        for fault in error.errors()
    ]
    return problem(
        422,
        "invalid",
        request_id=request_id_of(request),
        detail="a parameter is wrong",
        faults=faults,
    )


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    return problem(
        error.status_code,
        kind,
        request_id=request_id_of(request),
        detail=None if error.status_code in {404, 405} else str(error.detail),
        headers=error.headers,
    )


async def _bug(request: Request, error: Exception) -> Response:
    request_id = request_id_of(request)
    _log.error("request failed", request_id=request_id, path=request.url.path, exc_info=error)
    return problem(
        500,
        "internal",
        request_id=request_id,
        detail="something went wrong here; give the request id to whoever runs this",
    )
