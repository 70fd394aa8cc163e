"""Media and other files of platforms, as a stream through the egress guard.

Guarantees: only addresses that the guard lets pass; nothing is held in memory; what went wrong is a
`FetchFault`, without the address.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from coop_ncmec_reporter.gathering import FetchFault
from coop_runtime.egress.guard import EgressGuard, EgressRefused, ResponseTooLarge

_SECONDS = 3600.0
_PART = 256 * 1024


class Fetcher:
    """One for a process; close it at the end."""

    def __init__(self, guard: EgressGuard, *, most: int) -> None:
        self._client = guard.client(timeout=_SECONDS, max_body=most)

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._client.aclose()

    @asynccontextmanager
    async def __call__(self, url: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The content. Raises FetchFault, while it is read too."""
        try:
            async with self._client.stream("GET", url) as answer:
                if not answer.is_success:
                    raise FetchFault(f"HTTP {answer.status_code}", for_good=False)
                yield answer.aiter_bytes(_PART)
        except EgressRefused as error:
            raise FetchFault(f"not allowed: {error.reason}", for_good=True) from None
        except ResponseTooLarge:
            raise FetchFault("too large", for_good=True) from None
        except httpx.InvalidURL:
            raise FetchFault("not a URL", for_good=True) from None
        except httpx.HTTPError as error:
            raise FetchFault(f"no answer ({type(error).__name__})", for_good=False) from None
