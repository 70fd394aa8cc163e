"""The console: every address that is not the API's.

    /assets/name-hash.js     the file, for a year
    /favicon.svg             the file, if it was not kept
    /, /signup, /queues/7    the page, which reads the rest of the address itself
    /assets/other            404: the file of another build

Guarantees: nothing but what was read at the start is served, and only by GET and HEAD; the page
runs scripts of this origin alone, styles of its own build, is framed by nobody, and says what it
was kept from doing (`csp_report_route`); what never changes is kept, everything else is asked for
each time.
Must not: answer below /v1, or know who asks.
"""

from __future__ import annotations

import secrets
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from coop_review_api.http.accept import encoding_of
from coop_review_api.http.console_file import INDEX, NONCE, BuiltConsole, ConsoleFile
from coop_review_api.http.problem import problem, request_id_of
from coop_runtime.process.asgi import App, Receive, Scope, Send

API: Final = "/v1"
REPORTS: Final = f"{API}/csp-reports"

_PREFERRED: Final = ("br", "gzip")
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "object-src 'none'",
        "frame-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        f"report-uri {REPORTS}",
        "report-to csp",
    )
)
# Attributes cannot select or fetch by what is on the page, as sheets can.
_STYLES_BY_NONCE: Final = "style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'"
_STYLES_OF_ANYONE: Final = "style-src 'self' 'unsafe-inline'"
_PERMISSIONS: Final = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "payment",
        "usb",
    )
)
_HEADERS: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": _PERMISSIONS,
    "Reporting-Endpoints": f'csp="{REPORTS}"',
}
_MISSING: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Coop</title>
<h1>No console is served here</h1>
<p>This is the review API; its description is at <a href="/v1/openapi.json">/v1/openapi.json</a>.
<p>For the console, build <code>services/review-console</code> as its README says
(<code>npm ci &amp;&amp; npm run build</code>), set <code>COOP_REVIEW_CONSOLE</code> to the folder
with its <code>index.html</code>, and start this process again.
"""


class Console:
    """ASGI middleware in front of the API. Without a `built` console the page says how to make
    one."""

    def __init__(self, app: App, built: BuiltConsole | None) -> None:
        self._app = app
        self._built = built

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_api(scope["path"]):
            await self._app(scope, receive, send)
            return
        answer = await self._answer(scope)
        if scope["method"] == "HEAD":
            answer.body = b""  # its length stays announced
        await answer(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return _refusal(scope, 405, {"Allow": "GET, HEAD"})
        path, headers = scope["path"].removeprefix("/"), Headers(scope=scope)
        if self._built is None:
            return _page(_MISSING.encode(), 200 if path == "" else 404)
        file = self._built.files.get(path)
        if path == INDEX or (file is None and not path.startswith("assets/")):
            return _page(self._built.index, 200)
        if file is None:
            return _refusal(scope, 404)
        return await _file(file, headers, is_head=scope["method"] == "HEAD")


def is_api(path: str) -> bool:
    """Whether the API answers at the path."""
    return path == API or path.startswith(f"{API}/")


def _refusal(scope: Scope, status: int, headers: dict[str, str] | None = None) -> Response:
    kind = {404: "not-found", 405: "method-not-allowed"}[status]
    return problem(status, kind, request_id=request_id_of(Request(scope)), headers=headers)


def _page(page: bytes, status: int) -> Response:
    """The page; where it has a place for it, with a nonce of its own."""
    styles = _STYLES_OF_ANYONE
    if NONCE in page:
        nonce = secrets.token_urlsafe(16)
        page = page.replace(NONCE, nonce.encode())
        styles = _STYLES_BY_NONCE.format(nonce=nonce)
    policy = {"Content-Security-Policy": f"{_POLICY}; {styles}", "Cache-Control": "no-cache"}
    return Response(page, status, headers=_HEADERS | policy, media_type="text/html")


async def _file(file: ConsoleFile, asked: Headers, *, is_head: bool) -> Response:
    offered = [one for one in _PREFERRED if one in file.encodings]
    encoding = encoding_of(asked.get("accept-encoding", ""), offered)
    content = file.encodings[encoding or "identity"]
    headers = {
        "ETag": content.tag,
        "Cache-Control": _FOR_EVER if file.is_immutable else "no-cache",
        "Vary": "Accept-Encoding",
    }
    known = {one.strip().removeprefix("W/") for one in asked.get("if-none-match", "").split(",")}
    if content.tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    if file.media_type.startswith("text/javascript"):
        headers["Content-Security-Policy"] = _POLICY  # of a worker that it is
    headers["Content-Length"] = str(content.size)
    body = b"" if is_head else await content.body()
    return Response(body, headers=headers, media_type=file.media_type)
