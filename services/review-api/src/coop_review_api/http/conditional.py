"""HEAD, and answers that the asker has already.

Guarantees: HEAD is GET without the body, for every address that has GET and ends; a GET whose
answer has an ETag that the asker names in `If-None-Match` is answered 304, after every check that
the whole answer needs. A list of configuration has one too, made of what it says. What has an ETag
may be kept by its own browser, if it asks each time.
Must not: keep anything itself, or let through a body that was not asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders

from coop_runtime.process.asgi import App, Receive, Scope, Send

_OF_A_BODY = ("content-type", "content-length")
KEPT = "private, no-cache"

TAGGED = "x-tagged"
"""Of an operation (in `openapi_extra`) whose answer gets a tag made of what it says."""


class Conditional:
    """ASGI middleware around the application. `endless`: paths whose answers do not end; `tagged`
    says of which paths the answer gets a tag made of its body."""

    def __init__(
        self, app: App, *, endless: Collection[str], tagged: Callable[[str], bool]
    ) -> None:
        self._app = app
        self._endless = frozenset(endless)
        self._tagged = tagged

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD" and scope["path"] not in self._endless
        if is_head:
            scope = {**scope, "method": "GET"}
        answer = _Answer(
            send,
            known=Headers(scope=scope).get("if-none-match", ""),
            is_head=is_head,
            is_tagged=self._tagged(scope["path"]),
        )
        await self._app(scope, receive, answer.pass_on)


class _Answer:
    """One answer on its way out."""

    def __init__(self, send: Send, *, known: str, is_head: bool, is_tagged: bool) -> None:
        self._send = send
        self._known = known
        self._cut = is_head
        self._is_tagged = is_tagged
        self._start: MutableMapping[str, Any] | None = None  # held until its tag is known
        self._parts: list[bytes] = []

    async def pass_on(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            if self._is_tagged and message["status"] == 200:
                self._start = message
            else:
                await self._begin(message)
        elif self._start is None:
            await self._continue(message)
        else:
            self._parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                start, body = self._start, b"".join(self._parts)
                tag = hashlib.blake2s(body, digest_size=12).hexdigest()
                MutableHeaders(scope=start)["ETag"] = f'W/"{tag}"'
                await self._begin(start)
                await self._continue({"type": "http.response.body", "body": body})

    async def _begin(self, message: MutableMapping[str, Any]) -> None:
        headers = MutableHeaders(scope=message)
        tag = headers.get("etag") if message["status"] == 200 else None
        if tag is not None:
            headers["Cache-Control"] = KEPT
            if _names(self._known, tag):
                message["status"], self._cut = 304, True
                for name in _OF_A_BODY:
                    del headers[name]
        await self._send(message)

    async def _continue(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body" and self._cut:
            if message.get("more_body", False):
                return
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)


def _names(known: str, tag: str) -> bool:
    """Whether `If-None-Match` names the tag (RFC 9110, 13.1.2: compared weakly)."""
    if known.strip() == "*":
        return True
    return tag.removeprefix("W/") in (one.strip().removeprefix("W/") for one in known.split(","))
