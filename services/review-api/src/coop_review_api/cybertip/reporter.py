"""ncmec-reporter's internal API: an organisation's reports to NCMEC."""

from __future__ import annotations

from typing import Final

import httpx

from coop_review_api.kernel.internal import AskedService, InternalAsker

_REPORTER: Final = AskedService(
    name="ncmec-reporter", has="reports are", seconds=10.0, connections=10
)


class CybertipReporter(InternalAsker):
    """See `InternalAsker`."""

    def __init__(
        self, url: str, token: str, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(_REPORTER, url, token, transport=transport)
