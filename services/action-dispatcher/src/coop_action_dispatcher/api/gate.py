"""The gate of the internal API: who does not show the shared secret, learns nothing.

Guarantees: checked before anything of a request is parsed; compared in constant time.
Must not: log the secret or what was shown for it.
"""

from __future__ import annotations

import hmac

from coop_action_dispatcher.api.problem import problem
from coop_runtime.process.asgi import App, Receive, Scope, Send

_SCHEME = b"bearer "


class Gate:
    """ASGI middleware around the whole application: `Authorization: Bearer <token>` or 401."""

    def __init__(self, app: App, *, token: str) -> None:
        if not token:
            raise ValueError("a token is needed")
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._knows(scope):
            await problem(401, "the token is missing or wrong")(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(shown) != 1 or shown[0][: len(_SCHEME)].lower() != _SCHEME:
            return False
        return hmac.compare_digest(shown[0][len(_SCHEME) :], self._token)
