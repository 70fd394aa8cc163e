"""Answers in JSON are sent as gzip to whom that suits.

Guarantees: what is small, what has no end, what is encoded already and what is no JSON pass as they
are; so do answers that hold a secret of the session beside what somebody else may choose, whose
length would tell of it (BREACH); the process is not held up by large answers.
Must not: change what is said, or its tag: tags are compared weakly (`http.conditional`).
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders

from coop_review_api.http.accept import encoding_of
from coop_runtime.process.asgi import App, Receive, Scope, Send

_LEAST: Final = 1024  # bytes
_ASIDE: Final = 64 * 1024  # bytes from which on a thread does it
_LEVEL: Final = 5
_LEVEL_ASIDE: Final = 1  # a tenth larger in half the time
_TYPES: Final = frozenset({"application/json", "application/problem+json"})


class Compressed:
    """ASGI middleware. `is_secret` says of which paths answers are sent as they are."""

    def __init__(self, app: App, *, is_secret: Callable[[str], bool]) -> None:
        self._app = app
        self._is_secret = is_secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_secret(scope["path"]):
            await self._app(scope, receive, send)
            return
        accepted = Headers(scope=scope).get("accept-encoding", "")
        takes = encoding_of(accepted, ("gzip",)) is not None
        await self._app(scope, receive, _Answer(send, takes=takes).pass_on)


class _Answer:
    """One answer on its way out; its start is held until its first part says what it is."""

    def __init__(self, send: Send, *, takes: bool) -> None:
        self._send = send
        self._takes = takes
        self._start: MutableMapping[str, Any] | None = None

    async def pass_on(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and _is_json(message):
            MutableHeaders(scope=message).add_vary_header("Accept-Encoding")
            self._start = message
            return
        if self._start is not None:
            start, self._start = self._start, None
            if self._takes and _is_worth(message):
                message = {**message, "body": await _zipped(message["body"])}
                headers = MutableHeaders(scope=start)
                headers["Content-Encoding"] = "gzip"
                headers["Content-Length"] = str(len(message["body"]))
            await self._send(start)
        await self._send(message)


def _is_json(start: MutableMapping[str, Any]) -> bool:
    headers = MutableHeaders(scope=start)
    kind = headers.get("content-type", "").partition(";")[0]
    return kind in _TYPES and "content-encoding" not in headers


def _is_worth(message: MutableMapping[str, Any]) -> bool:
    """Of a whole answer only: what comes in parts is not waited for."""
    return not message.get("more_body", False) and len(message.get("body", b"")) >= _LEAST


async def _zipped(body: bytes) -> bytes:
    if len(body) < _ASIDE:
        return gzip.compress(body, _LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, _LEVEL_ASIDE, mtime=0)
