"""hma-bridge's internal API: what hash banks hold of an organisation."""

from __future__ import annotations

from typing import Final

import httpx

from coop_review_api.kernel.internal import AskedService, InternalAsker

# A file may have to be decoded first, hence so long.
_BRIDGE: Final = AskedService(name="hma-bridge", has="hash banks are", seconds=30.0, connections=10)


class HashBridge(InternalAsker):
    """See `InternalAsker`."""

    def __init__(
        self, url: str, token: str, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(_BRIDGE, url, token, transport=transport)
