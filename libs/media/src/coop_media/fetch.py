"""One medium of a platform, fetched through the egress guard.

    URL ─▶ guard ─▶ first bytes: what it is, and how large it may be ─▶ the rest, hashed on its way

Guarantees: type by the first bytes, never by a header or a name; a redirect is followed where it
stays with the same scheme, host and port, three times at most; what is not media costs no more than
its first bytes; time and size are bounded whatever the host announces.
Must not: send anything that tells who looks, or keep a file beyond the block that asked for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from coop_media.fault import MediaFault
from coop_media.file import MediaFile
from coop_media.form import HEAD, form_of
from coop_media.limit import FetchLimits
from coop_media.metric import FETCHED_BYTES, FETCHES
from coop_media.place import ByteBudget
from coop_runtime.egress.guard import EgressGuard, EgressRefused, ResponseTooLarge
from coop_runtime.egress.transport import origin_of

_REDIRECTS = 3
_GONE = (404, 410)
_MOVED = (301, 302, 303, 307, 308)
_REFUSED_RETRY = 3600.0  # seconds: an address that is not allowed seldom becomes so


class Fetcher:
    """Fetches media for one process; close it when done."""

    def __init__(self, guard: EgressGuard, limits: FetchLimits | None = None) -> None:
        self.limits = limits or FetchLimits()
        self._client = guard.client(timeout=self.limits.within, max_body=self.limits.film)
        self._budget = ByteBudget(self.limits.together)

    @asynccontextmanager
    async def fetched(self, url: str) -> AsyncIterator[MediaFile]:
        """The file, for as long as the block lasts. Raises `MediaFault`."""
        try:
            async with opened(self._client, url) as response:
                pieces = response.aiter_raw()
                head = await _head(pieces)
                form = form_of(head)
                if form is None:
                    raise MediaFault("not-media", "it is no picture, film or sound that is shown")
                most = self.limits.of(form.kind)
                _check_announced(response, most)
                async with self._budget.taken(most):
                    with MediaFile(form) as file:
                        await _fill(file, head, pieces, most)
                        FETCHES.labels("ok").inc()
                        FETCHED_BYTES.inc(file.size)
                        yield file
        except MediaFault as fault:
            FETCHES.labels(fault.state).inc()
            raise

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._client.aclose()


@asynccontextmanager
async def opened(
    client: httpx.AsyncClient, url: str, *, headers: dict[str, str] | None = None
) -> AsyncIterator[httpx.Response]:
    """The answer's head, and its body to be read; 200 or 206. Raises `MediaFault`."""
    response = await _answer(client, url, headers or {})
    try:
        yield response
    except ResponseTooLarge:
        raise MediaFault("too-large", "it is larger than media may be") from None
    except httpx.TransportError:
        raise MediaFault("unreachable", "its host did not send all of it in time") from None
    finally:
        await response.aclose()


async def _answer(client: httpx.AsyncClient, url: str, headers: dict[str, str]) -> httpx.Response:
    target = url
    for _ in range(_REDIRECTS + 1):
        response = await _ask(client, target, headers)
        if response.status_code not in _MOVED:
            break
        target = _elsewhere(response, target)
        await response.aclose()
    status = response.status_code
    if status in (200, 206):
        return response
    await response.aclose()
    if status in _GONE:
        raise MediaFault("gone", "its host says that it is no longer there")
    raise MediaFault("unreachable", f"its host answers with status {status}")


async def _ask(client: httpx.AsyncClient, url: str, headers: dict[str, str]) -> httpx.Response:
    try:
        request = client.build_request("GET", url, headers={"accept": "*/*", **headers})
        try:
            return await client.send(request, stream=True)
        except (httpx.ReadError, httpx.RemoteProtocolError):
            # A connection that was kept, and that its host had closed: once more, on another.
            return await client.send(request, stream=True)
    except EgressRefused as refused:
        raise MediaFault("unreachable", str(refused), retry_after=_REFUSED_RETRY) from None
    except ResponseTooLarge:
        raise MediaFault("too-large", "it is larger than media may be") from None
    except (httpx.TransportError, httpx.InvalidURL, UnicodeError):
        raise MediaFault("unreachable", "its host cannot be reached in time") from None


def _elsewhere(response: httpx.Response, url: str) -> str:
    """Where a redirect leads, if that is the same place. Raises `MediaFault`."""
    try:
        here = httpx.URL(url)
        there = here.join(response.headers.get("location", ""))
        is_same = origin_of(here) == origin_of(there)
    except (httpx.InvalidURL, ValueError):
        is_same = False
    if not is_same:
        raise MediaFault("unreachable", "its host sends us elsewhere")
    return str(there)


async def _head(pieces: AsyncIterator[bytes]) -> bytes:
    """At least the bytes that tell what it is, if there are so many."""
    head = bytearray()
    async for piece in pieces:
        head += piece
        if len(head) >= HEAD:
            break
    return bytes(head)


def _check_announced(response: httpx.Response, most: int) -> None:
    length = response.headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        raise MediaFault("too-large", f"it has more than {most} bytes")


async def _fill(file: MediaFile, head: bytes, pieces: AsyncIterator[bytes], most: int) -> None:
    file.write(head)
    async for piece in pieces:
        if file.size + len(piece) > most:
            raise MediaFault("too-large", f"it has more than {most} bytes")
        file.write(piece)
