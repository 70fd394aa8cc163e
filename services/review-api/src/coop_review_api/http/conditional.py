"""HEAD, and answers that the asker has already.

Guarantees: HEAD is GET without the body, for every address that has GET and ends; a GET whose
answer has an ETag that the asker names in `If-None-Match` is answered 304, after every check that
the whole answer needs. What has an ETag may be kept by its own browser, if it asks each time.
Must not: keep anything itself, or let through a body that was not asked for.
"""

from __future__ import annotations

from collections.abc import Collection, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders

from coop_runtime.process.asgi import App, Receive, Scope, Send

_OF_A_BODY = ("content-type", "content-length")
KEPT = "private, no-cache"


class Conditional:
    """ASGI middleware around the application. `endless`: paths whose answers do not end."""

    def __init__(self, app: App, *, endless: Collection[str]) -> None:
        self._app = app
        self._endless = frozenset(endless)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD" and scope["path"] not in self._endless
        if is_head:
            scope = {**scope, "method": "GET"}
        known = Headers(scope=scope).get("if-none-match", "")
        cut = False

        async def pass_on(message: MutableMapping[str, Any]) -> None:
            nonlocal cut
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                tag = headers.get("etag") if message["status"] == 200 else None
                cut = is_head
                if tag is not None:
                    headers["Cache-Control"] = KEPT
                    if _names(known, tag):
                        message["status"], cut = 304, True
                        for name in _OF_A_BODY:
                            del headers[name]
                await send(message)
                return
            if message["type"] == "http.response.body" and cut:
                if message.get("more_body", False):
                    return
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        await self._app(scope, receive, pass_on)


def _names(known: str, tag: str) -> bool:
    """Whether `If-None-Match` names the tag (RFC 9110, 13.1.2: compared weakly)."""
    if known.strip() == "*":
        return True
    return tag.removeprefix("W/") in (one.strip().removeprefix("W/") for one in known.split(","))
