"""The outermost layer: from an ASGI request to a sent answer, whatever happens in between.

    request ──hot path?──▶ the route itself (raw ASGI)
        └──────────────▶ the FastAPI application ──▶ the same routes; 404, 405, OpenAPI

Guarantees: every answer 4xx and 5xx has the public error format with a request id; a fault of ours
is logged with that id and answered 500; a trailing slash is optional on every path, and, as in
Coop's router, so is the case of its letters; no answer is taken by a browser for anything else than
it says it is.
Must not: know what a route does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple

from coop_contracts.config import ApiScope
from coop_contracts.error import ErrorType
from coop_contracts.ids import new_id
from coop_ingest import metric
from coop_ingest.answer import NOT_SNIFFED, Answer, refusal_answer, send_answer
from coop_ingest.refusal import ClientGone, Refusal, error, invalid
from coop_runtime.process.asgi import App, Receive, Scope, Send
from coop_runtime.process.log import logger
from coop_runtime.process.metric import UNMATCHED

Handle = Callable[[Mapping[str, Any], Receive, str], Awaitable[Answer]]
BASE = "/api/v1"

_log = logger(__name__)


class EdgeRoute(NamedTuple):
    """One route. `path` is below `BASE`, and may end in names in braces, the last of which takes
    all the rest; `prefix` begins its request ids; `needs` is the scope that its handler asks for;
    `hot` skips FastAPI."""

    method: str
    path: str
    prefix: str
    handle: Handle
    needs: ApiScope
    hot: bool = False


async def respond(route: EdgeRoute, scope: Mapping[str, Any], receive: Receive) -> Answer:
    """The route's answer, or its refusal's, or 500. Never raises an ordinary exception."""
    request_id = f"{route.prefix}:{new_id()}"
    try:
        return await route.handle(scope, receive, request_id)
    except Refusal as refusal:
        metric.REFUSED.labels(refusal.reason).inc()
        return refusal_answer(refusal, request_id)
    except ClientGone:
        metric.GONE.inc()
        gone = Refusal("json", [invalid("The body was cut off.", title="Invalid JSON")], close=True)
        return refusal_answer(gone, request_id)
    except Exception:  # noqa: BLE001 - logged, and answered
        _log.exception("a request failed", route=route.path, request_id=request_id)
        return internal_error(request_id)


def internal_error(request_id: str) -> Answer:
    """A fault of ours; what it was stays in the log."""
    metric.REFUSED.labels("internal").inc()
    fault = error(500, ErrorType.INTERNAL, "Internal server error")
    return refusal_answer(Refusal("internal", [fault], close=True), request_id)


class Edge:
    """The ASGI application that is served."""

    def __init__(self, routes: Sequence[EdgeRoute], application: App) -> None:
        self._application = application
        self._hot: dict[tuple[str, str], EdgeRoute] = {}
        self._canonical: dict[str, str] = {}
        self._open: list[tuple[str, str]] = []
        for route in routes:
            path = BASE + route.path
            if "{" in path:
                self._open.append((path.partition("{")[0], path))
                continue
            for spelling in (path, path.rstrip("/"), path.rstrip("/") + "/"):
                self._canonical[spelling] = path
                if route.hot:
                    self._hot[route.method, path] = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        path = scope["path"] = self._path_of(scope)
        route = self._hot.get((scope["method"], path))
        if route is not None:
            await send_answer(send, await respond(route, scope, receive))
            return
        started = False

        async def watch(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            started = True
            if message["type"] == "http.response.start":
                message["headers"] = (*message["headers"], NOT_SNIFFED)
            await send(message)

        try:
            await self._application(scope, receive, watch)
        except Exception:  # noqa: BLE001 - logged, and answered
            request_id = new_id()
            _log.exception("a request failed", request_id=request_id)
            if not started:
                await send_answer(send, internal_error(request_id))

    def route_of(self, scope: Mapping[str, Any]) -> str:
        """The name of a request's route for metrics: one of a closed set."""
        path = self._path_of(scope)
        if path in self._canonical:
            return path
        return next((route for start, route in self._open if path.startswith(start)), UNMATCHED)

    def _path_of(self, scope: Mapping[str, Any]) -> str:
        """The route's own spelling of the path; the path itself where there is no such route."""
        path: str = scope["path"]
        found = self._canonical.get(path)
        if found is not None:
            return found
        lower = path.lower()
        for start, _ in self._open:
            if lower.startswith(start):
                path = start + path[len(start) :]
        return self._canonical.get(lower, path)
