"""The gate of an internal API: who does not show the shared secret, learns nothing.

Guarantees: checked before anything of a request is parsed; compared in constant time.
Must not: log the secret or what was shown for it.
"""

from __future__ import annotations

import hmac
from typing import Final

import msgspec

from coop_contracts.call import Problem
from coop_runtime.process.asgi import App, Receive, Scope, Send

_SCHEME: Final = b"bearer "
_REFUSED: Final = msgspec.json.encode(
    Problem(
        type="/problems/unauthorized",
        title="Unauthorized",
        status=401,
        detail="the token is missing or wrong",
    )
)
_HEADERS: Final = (
    (b"content-type", b"application/problem+json"),
    (b"content-length", b"%d" % len(_REFUSED)),
)


class Gate:
    """ASGI middleware around the whole application: `Authorization: Bearer <token>` or 401."""

    def __init__(self, app: App, *, token: str) -> None:
        if not token:
            raise ValueError("a token is needed")
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._knows(scope):
            await send({"type": "http.response.start", "status": 401, "headers": _HEADERS})
            await send({"type": "http.response.body", "body": _REFUSED})
            return
        await self._app(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(shown) != 1 or shown[0][: len(_SCHEME)].lower() != _SCHEME:
            return False
        return hmac.compare_digest(shown[0][len(_SCHEME) :], self._token)
