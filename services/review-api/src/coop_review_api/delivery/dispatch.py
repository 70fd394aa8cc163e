"""The dispatcher's internal API, asked for people: deliveries, endpoints, strikes."""

from __future__ import annotations

from typing import Final

import httpx

from coop_review_api.kernel.internal import AskedService, InternalAsker

_DISPATCHER: Final = AskedService(
    name="the dispatcher", has="the dispatcher is", seconds=10.0, connections=20, at="#/query"
)


class Dispatch(InternalAsker):
    """See `InternalAsker`."""

    def __init__(
        self, url: str, token: str, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(_DISPATCHER, url, token, transport=transport)
