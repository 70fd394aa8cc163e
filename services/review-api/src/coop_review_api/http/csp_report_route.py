"""What pages were kept from doing by their content security policy, as browsers report it.

    POST /v1/csp-reports     application/csp-report (one), application/reports+json (several)

Anyone may send anything here, so a report is counted by its directive, written into the log, and
nothing else.

Guarantees: a bounded number of reports a second is read, of bounded size; a metric's labels are a
closed set; of an address only scheme and host are written.
Must not: keep a report, or show one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from coop_review_api.http.authentication import public
from coop_review_api.http.context import part_of
from coop_review_api.kernel import metric
from coop_review_api.kernel.error import Fault, Invalid, TooManyAttempts
from coop_runtime.process.log import logger

router = APIRouter(prefix="/v1", tags=["index"], dependencies=[Depends(public)])

_ONE, _SEVERAL = "application/csp-report", "application/reports+json"
_LARGEST: Final = 32 * 1024  # bytes
_MOST: Final = 20  # reports of one request
_OTHER: Final = "other"
_DIRECTIVES: Final = frozenset(
    {
        "base-uri",
        "connect-src",
        "default-src",
        "font-src",
        "form-action",
        "frame-ancestors",
        "frame-src",
        "img-src",
        "media-src",
        "object-src",
        "script-src",
        "script-src-attr",
        "script-src-elem",
        "style-src",
        "style-src-attr",
        "style-src-elem",
        "worker-src",
    }
)
_REPORT: Final = {"type": "object", "additionalProperties": True}
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            _ONE: {"schema": _REPORT},
            _SEVERAL: {"schema": {"type": "array", "items": _REPORT, "maxItems": _MOST}},
        },
    }
}

_log = logger("coop.review_api.csp")


@dataclass(frozen=True, kw_only=True)
class ReportLimits:
    """How many requests with reports a process reads: a second, and at once."""

    rate: float = 5.0
    burst: int = 50


class CspReports:
    """How many may still be read. `clock` is monotonic, in seconds."""

    def __init__(self, limits: ReportLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._left = float(limits.burst)
        self._at = clock()

    def take(self) -> None:
        """One more. Raises `TooManyAttempts`."""
        now, limits = self._clock(), self._limits
        self._left = min(float(limits.burst), self._left + (now - self._at) * limits.rate)
        self._at = now
        if self._left < 1:
            raise TooManyAttempts("too many reports", retry_after=60)
        self._left -= 1


@router.post(
    "/csp-reports", operation_id="reportCspViolation", status_code=204, openapi_extra=_BODY
)
async def report_csp_violation(request: Request) -> Response:
    """Say what a page was kept from doing. Browsers send this by themselves."""
    part_of(request, CspReports).take()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (_ONE, _SEVERAL):
        raise HTTPException(415, f"send {_ONE} or {_SEVERAL}")
    body = await request.body()
    if len(body) > _LARGEST:
        raise HTTPException(413, f"the body is larger than {_LARGEST} bytes")
    for directive, blocked in _reports(kind, body):
        metric.CSP_REPORTS.labels(directive).inc()
        _log.warning("a page was kept from something", directive=directive, blocked=blocked)
    return Response(status_code=204)


def _reports(kind: str, body: bytes) -> Iterator[tuple[str, str]]:
    """Directive and what was blocked, of each report. Raises `Invalid`."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        raise Invalid([Fault("", "not JSON")]) from None
    several = [sent] if kind == _ONE and isinstance(sent, dict) else sent
    if (kind == _ONE and not isinstance(sent, dict)) or not isinstance(several, list):
        raise Invalid([Fault("", "not a report")])
    if len(several) > _MOST:
        raise Invalid([Fault("", f"at most {_MOST} reports")])
    if not all(isinstance(one, dict) for one in several):
        raise Invalid([Fault("", "not a report")])
    for one in several:
        # Two forms: CSP 2 (`csp-report`) and the Reporting API (`body`).
        inner = one.get("csp-report", one.get("body"))
        if isinstance(inner, dict):
            yield _directive_of(inner), _origin_of(inner)


def _directive_of(report: dict[str, Any]) -> str:
    said = report.get("effective-directive") or report.get("effectiveDirective")
    name = str(said or report.get("violated-directive") or "").partition(" ")[0]
    return name if name in _DIRECTIVES else _OTHER


def _origin_of(report: dict[str, Any]) -> str:
    """Scheme and host of what was blocked, or the word that stands for it (`inline`, `eval`)."""
    said = str(report.get("blocked-uri") or report.get("blockedURL") or "")[:300]
    try:
        parts = urlsplit(said)
    except ValueError:
        return "?"
    if parts.scheme:
        return f"{parts.scheme}://{parts.hostname or ''}"
    return said if said in ("inline", "eval", "wasm-eval", "self") else "?"
