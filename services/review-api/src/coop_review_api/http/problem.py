"""Errors as RFC 9457 problem bodies.

    {"type", "title", "status", "detail"?, "errors"?: [{"pointer", "reason", "code", "params"?}],
     "usedBy"?: [...], "needs"?: [...], "draftKept"?, "by"?: {…}, "expiresAt"?, "state"?,
     "requestId"}

Guarantees: what a page has to tell apart has a type of its own (`KINDS`); every 4xx and 5xx answer
of this API has this shape and media type; a bug answers 500 with its request id and nothing of the
inside.
Must not: repeat what the caller sent (but the name of a parameter that is not known), or show a
trace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException
from starlette.routing import Match

from coop_contracts.ids import new_id
from coop_queues.error import AlreadyClosed, JobNotFound, LeaseLost, OneAhead, TooManyClaims
from coop_review_api.http.body import code_of
from coop_review_api.http.person_view import PersonView
from coop_review_api.kernel import fault_code
from coop_review_api.kernel.error import (
    AlreadyDecided,
    AwaitsApproval,
    Conflict,
    CsrfMismatch,
    Fault,
    Forbidden,
    ForeignOrigin,
    Held,
    Invalid,
    LacksPermission,
    MediaUnavailable,
    NeedsApproval,
    NeedsSecondFactor,
    NotDecided,
    NotFound,
    OrganisationSuspended,
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


_STATUS: dict[type[ReviewError], tuple[int, str]] = {
    Invalid: (422, "invalid"),
    Unauthenticated: (401, "unauthenticated"),
    Forbidden: (403, "forbidden"),
    LacksPermission: (403, "permission"),
    CsrfMismatch: (403, "csrf"),
    ForeignOrigin: (403, "origin"),
    NeedsSecondFactor: (403, "second-factor-required"),
    AwaitsApproval: (403, "awaiting-approval"),
    OrganisationSuspended: (403, "organisation-suspended"),
    NotFound: (404, "not-found"),
    Conflict: (409, "conflict"),
    QueuePaused: (409, "queue-paused"),
    Held: (409, "held"),
    AlreadyDecided: (409, "already-closed"),
    NeedsApproval: (409, "needs-approval"),
    RevisionMismatch: (412, "revision-mismatch"),
    TooManyAttempts: (429, "too-many-attempts"),
    UpstreamFailed: (502, "upstream-failed"),
    MediaUnavailable: (502, "media-unavailable"),
    Unavailable: (503, "unavailable"),
}
_OF_HTTP = frozenset({400, 401, 403, 404, 405, 408, 413, 415, 416, 417, 422, 431, 501, 503, 505})
_OTHERS = frozenset({"internal", "lease-lost", "too-large", "timeout", "too-many-claims"})


def _kind_of(status: int) -> str:
    return HTTPStatus(status).phrase.lower().replace(" ", "-")


KINDS = tuple(
    sorted(_OTHERS | {kind for _, kind in _STATUS.values()} | {_kind_of(one) for one in _OF_HTTP})
)
"""The last parts of all types of problems."""


class ProblemError(BaseModel):
    """One fault: an RFC 6901 pointer into the request body, or `#/query/…` of a parameter. `code`
    says what the English `reason` says, `params` what it names; `invalid` is told by the reason
    alone."""

    pointer: str
    reason: str
    code: str
    params: dict[str, str | int | float | bool] | None = None


class Problem(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    type: Annotated[str, Field(json_schema_extra={"enum": [f"/problems/{kind}" for kind in KINDS]})]
    title: str
    status: int
    detail: str | None = None
    errors: list[ProblemError] | None = None
    used_by: list[str] | None = None
    needs: Annotated[
        list[str] | None, Field(description="Permissions of which one would be enough.")
    ] = None
    draft_kept: bool | None = None
    by: Annotated[PersonView | None, Field(description="Who holds the job.")] = None
    expires_at: Annotated[datetime | None, Field(description="Until when.")] = None
    state: Annotated[
        str | None, Field(description="Why a medium cannot be shown, as its facts say it.")
    ] = None
    request_id: str


def problem(
    status: int,
    kind: str,
    *,
    request_id: str,
    detail: str | None = None,
    faults: Sequence[Fault] = (),
    used_by: Sequence[str] = (),
    needs: Sequence[str] = (),
    also: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer. `kind` is the last part of the problem's type, `also` what else is in it."""
    body = Problem(
        type=f"/problems/{kind}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=[_error(fault) for fault in faults] or None,
        used_by=list(used_by) or None,
        needs=list(needs) or None,
        request_id=request_id,
        **also or {},
    )
    return Response(
        body.model_dump_json(by_alias=True, exclude_none=True),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def _error(fault: Fault) -> ProblemError:
    code, params = fault.code, fault.params
    if code is None:
        code, params = fault_code.of(fault.reason)
    return ProblemError(
        pointer=fault.pointer, reason=fault.reason, code=code, params=dict(params or {}) or None
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
    if isinstance(error, TooManyAttempts | Unavailable | MediaUnavailable):
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
        needs=error.needs if isinstance(error, LacksPermission) else (),
        also=_also(error),
        headers=headers,
    )


def _of_holder(held: Held) -> dict[str, Any]:
    by = None if held.by is None else PersonView.of(*held.by)
    return {"by": by, "expires_at": held.expires_at}


def _also(error: ReviewError) -> Mapping[str, Any] | None:
    """What the answer to this one alone says besides."""
    if isinstance(error, Held):
        return _of_holder(error)
    return {"state": error.state} if isinstance(error, MediaUnavailable) else None


async def _queue_refused(request: Request, error: Exception) -> Response:
    status, kind, detail = _of_queue(error)
    return problem(status, kind, request_id=request_id_of(request), detail=detail)


def _of_queue(error: Exception) -> tuple[int, str, str]:
    if isinstance(error, JobNotFound):
        return 404, "not-found", "no such job"
    if isinstance(error, AlreadyClosed):
        return 409, "already-closed", str(error)
    if isinstance(error, OneAhead):
        return 409, "too-many-claims", "you have a job ahead already: open it, or give it back"
    if isinstance(error, TooManyClaims):
        return 409, "too-many-claims", "you hold as many jobs as one may: decide or release one"
    return 409, "lease-lost", "you do not hold this job: claim again"


async def _not_decided(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotDecided)
    if isinstance(error.cause, ReviewError):
        (status, kind), detail = _STATUS[type(error.cause)], str(error.cause)
    else:
        status, kind, detail = _of_queue(error.cause)
    return problem(
        status, kind, request_id=request_id_of(request), detail=detail, also={"draft_kept": True}
    )


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
        Fault(
            "#/" + "/".join(str(part) for part in fault["loc"]),
            str(fault["msg"]).removeprefix("Value error, "),
            *code_of(fault),
        )
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
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods_at(request))
    return problem(
        error.status_code,
        _kind_of(error.status_code),
        request_id=request_id_of(request),
        detail=None if error.status_code in {404, 405} else str(error.detail),
        headers=headers,
    )


def _methods_at(request: Request) -> list[str]:
    """What the address takes: of all its routes, not only the first that has its path."""
    methods: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


async def _bug(request: Request, error: Exception) -> Response:
    request_id = request_id_of(request)
    _log.error("request failed", request_id=request_id, path=request.url.path, exc_info=error)
    return problem(
        500,
        "internal",
        request_id=request_id,
        detail="something went wrong here; give the request id to whoever runs this",
    )
