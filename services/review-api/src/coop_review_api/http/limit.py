"""The outermost layer of the API: request ids, limits, headers every answer has.

Guarantees: an address that is not UTF-8 is answered 400; a body over the limit is answered 413
before it is held in memory, whether its length was announced or not; a body cut off half-way
reaches no handler; no answer may be framed or sniffed, and none may be kept but what is asked for
anew each time (`http.conditional`); an error that no handler knew is answered too; behind TLS a
browser that was here once comes by TLS alone (RFC 6797). (Routes that read large files themselves
keep the two of bodies.)
Must not: read what a body says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.datastructures import MutableHeaders
from starlette.requests import Request

from coop_contracts.ids import new_id
from coop_review_api.http.problem import problem, request_id_of
from coop_runtime.process.asgi import App, Receive, Scope, Send

_BODY_TIMEOUT = 10.0  # seconds for the whole body to arrive
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_TLS_ALONE = {"Strict-Transport-Security": "max-age=31536000"}


class RequestLimit:
    """ASGI middleware around the whole application. `max_body` is in bytes. `reads_itself` says by
    method and path which requests read their own bodies, under limits of their own. `behind_tls`:
    browsers come by https."""

    def __init__(
        self,
        app: App,
        *,
        max_body: int,
        reads_itself: Callable[[str, str], bool],
        behind_tls: bool = False,
    ) -> None:
        self._app = app
        self._headers = _HEADERS | (_TLS_ALONE if behind_tls else {})
        self._max_body = max_body
        self._reads_itself = reads_itself

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["coop.request_id"] = new_id()

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers["X-Request-Id"] = scope["coop.request_id"]
            await send(message)

        fault = _fault_of(scope)
        if fault is not None:
            await self._refuse(400, "bad-request", scope, receive, send_with_headers, fault)
            return
        if self._reads_itself(scope["method"], scope["path"]):
            await self._app(scope, receive, send_with_headers)
            return
        body = await self._body(scope, receive, send_with_headers)
        if body is not None:
            await self._app(scope, _replay(body, receive), send_with_headers)

    async def _body(self, scope: Scope, receive: Receive, send: Send) -> bytes | None:
        """The whole body, or None when the request was answered here or its client left."""
        announced = next((v for k, v in scope["headers"] if k == b"content-length"), b"0")
        if announced.isdigit() and int(announced) > self._max_body:
            await self._refuse(413, "too-large", scope, receive, send)
            return None
        body = bytearray()
        try:
            async with asyncio.timeout(_BODY_TIMEOUT):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += message.get("body", b"")
                    if len(body) > self._max_body:
                        await self._refuse(413, "too-large", scope, receive, send)
                        return None
                    more = message.get("more_body", False)
        except TimeoutError:
            await self._refuse(408, "timeout", scope, receive, send)
            return None
        return bytes(body)

    async def _refuse(
        self,
        status: int,
        kind: str,
        scope: Scope,
        receive: Receive,
        send: Send,
        detail: str | None = None,
    ) -> None:
        detail = (
            detail
            or {
                413: f"the body is larger than {self._max_body} bytes",
                408: f"the body did not arrive within {_BODY_TIMEOUT:g} s",
            }[status]
        )
        answer = problem(
            status,
            kind,
            request_id=request_id_of(Request(scope)),
            detail=detail,
            headers={"Connection": "close"},
        )
        await answer(scope, receive, send)


def _fault_of(scope: Scope) -> str | None:
    """What makes the address unreadable. Servers put U+FFFD where bytes are no UTF-8: another
    address than the one that was asked for."""
    for part in (scope.get("raw_path") or b"", scope["query_string"]):
        try:
            decoded = unquote_to_bytes(part).decode()
        except UnicodeDecodeError:
            return "the address is not UTF-8"
        if "\0" in decoded:
            # PostgreSQL stores no U+0000, so nothing can have such an id.
            return "the address contains U+0000"
    return "the address contains U+0000" if "\0" in scope["path"] else None


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once, then what else the connection has to say."""
    given = False

    async def replay() -> MutableMapping[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
