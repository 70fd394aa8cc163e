"""Server-sent events: what changes while a page is open.

    GET /v1/events     text/event-stream (WHATWG HTML, "Server-sent events")

    event: queues
    data: {"items": [{"queueId": …}]}          one line; `live.event` has the data of each

Guarantees: each is sent at the start, and again when it changed, whole: nothing has to be caught up
with after a break. A stream ends with its session; listening keeps no session alive.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import MutableMapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from coop_review_api.http.authentication import watching
from coop_review_api.http.context import part_of
from coop_review_api.http.shape import Shape
from coop_review_api.kernel.live_limit import LiveLimits
from coop_review_api.kernel.principal import Principal
from coop_review_api.live.event import LiveEvents
from coop_review_api.live.hub import Hub, Listener
from coop_runtime.process.asgi import Receive, Send

router = APIRouter(prefix="/v1", tags=["live"])

Watcher = Annotated[Principal, Depends(watching)]

RETRY: Final = 3000  # milliseconds after which a page connects again

_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"x-accel-buffering", b"no"),  # nginx would collect events otherwise
)


@router.get(
    "/events",
    operation_id="listenToEvents",
    response_class=Response,
    responses={
        200: {
            "description": "Events, each when it changed; their data by name: `LiveEvents`.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "x-data-by-event": Shape.reference(LiveEvents),
                }
            },
        }
    },
)
async def listen_to_events(request: Request, principal: Watcher) -> Response:
    """Be told of what changes: queues, jobs I hold or have open, notifications, what I set in
    motion, the configuration, my session."""
    return _Stream(part_of(request, Hub), principal)


class _Stream(Response):
    """An answer that lasts."""

    def __init__(self, hub: Hub, principal: Principal) -> None:
        super().__init__()
        self._limits = hub.limits
        self._listening = contextlib.ExitStack()
        # Here, so that a refusal is an answer of its own.
        self._listener = self._listening.enter_context(hub.listening(principal))

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        del scope
        with self._listening:
            leaving = asyncio.create_task(_left(receive, self._listener))
            try:
                await _tell(self._listener, send, self._limits)
            except TimeoutError:
                self._listener.finish("slow")  # and the connection is closed: it is not complete
            finally:
                leaving.cancel()
                await asyncio.wait([leaving])


async def _tell(listener: Listener, send: Send, limits: LiveLimits) -> None:
    """Everything there is to tell. Raises TimeoutError when it is not taken."""

    async def within(message: dict[str, Any]) -> None:
        async with asyncio.timeout(limits.send_timeout):
            await send(message)

    await within({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
    await within(_part(f"retry: {RETRY}\n\n".encode()))
    while listener.end is None:
        try:
            async with asyncio.timeout(limits.heartbeat):
                await listener.wait()
        except TimeoutError:
            await within(_part(b":\n\n"))
            continue
        news = listener.news()
        if news and listener.end is None:
            lines = (b"event: %s\ndata: %s\n\n" % (name.encode(), data) for name, data in news)
            await within(_part(b"".join(lines)))
    await within({"type": "http.response.body", "body": b"", "more_body": False})


def _part(body: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": True}


async def _left(receive: Receive, listener: Listener) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            listener.finish("left")
            return
