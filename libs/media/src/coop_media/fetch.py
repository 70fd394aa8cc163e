"""One medium of a platform, fetched through the egress guard.

    URL ─▶ guard ─▶ first bytes: what it is, and how large it may be ─▶ the rest, hashed on its way

Guarantees: type by the first bytes, never by a header or a name; a redirect is followed where it
stays with the same scheme, host and port, three times at most; what is not media costs no more than
its first bytes; time and size are bounded whatever the host announces.
Must not: send anything that tells who looks, or keep a file beyond the block that asked for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from coop_media.fault import MediaFault
from coop_media.file import MediaFile
from coop_media.form import HEAD, Form, form_of
from coop_media.limit import FetchLimits
from coop_media.metric import FETCHED_BYTES, FETCHES
from coop_media.place import BudgetPart, ByteBudget
from coop_runtime.egress.guard import EgressGuard, EgressRefused, ResponseTooLarge
from coop_runtime.egress.transport import origin_of

_REDIRECTS = 3
_GONE = (404, 410)
_LATER = (408, 425, 429)
_MOVED = (301, 302, 303, 307, 308)
_REFUSED_RETRY = 3600.0  # seconds: an address that is not allowed seldom becomes so


class Fetcher:
    """Fetches media for one process; close it when done."""

    def __init__(self, guard: EgressGuard, limits: FetchLimits | None = None) -> None:
        self.limits = limits or FetchLimits()
        self._client = guard.client(timeout=self.limits.within, max_body=self.limits.film)
        self._budget = ByteBudget(self.limits.together)

    @asynccontextmanager
    async def fetched(self, url: str, *, within: float | None = None) -> AsyncIterator[MediaFile]:
        """The file, for as long as the block lasts. `within`: seconds that its host has; waiting
        for room here is not its host's. Raises `MediaFault`."""
        with self._budget.part() as part:
            try:
                file = await self._file(url, part, self.limits.within if within is None else within)
            except MediaFault as fault:
                FETCHES.labels(fault.state).inc()
                raise
            FETCHES.labels("ok").inc()
            FETCHED_BYTES.inc(file.size)
            with file:
                yield file

    async def _file(self, url: str, part: BudgetPart, left: float) -> MediaFile:
        while True:
            began = time.monotonic()
            async with _in_time(left), opened(self._client, url) as response:
                pieces = response.aiter_raw()
                head = await _head(pieces)
                form = form_of(head)
                if form is None:
                    raise MediaFault("not-media", "it is no picture, film or sound that is shown")
                most = self.limits.of(form.kind)
                size = _announced(response, most)
                if part.grow_at_once(size):
                    return await _filled(form, head, pieces, most)
            left -= time.monotonic() - began
            # No host waits for us with an answer half read: it is asked again when there is room.
            await part.grow(size)

    async def answers(self, origin: str, *, within: float) -> bool:
        """Whether a host (`https://name:port`) says anything at all."""
        try:
            async with asyncio.timeout(within):
                response = await self._client.head(origin + "/")
                await response.aclose()
        except (TimeoutError, httpx.TransportError, httpx.InvalidURL, EgressRefused):
            return False
        return True

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
        why = "its host did not send all of it in time"
        raise MediaFault("unreachable", why, heard=False, passes=True) from None
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
    passes = status >= 500 or status in _LATER
    raise MediaFault("unreachable", f"its host answers with status {status}", passes=passes)


async def _ask(client: httpx.AsyncClient, url: str, headers: dict[str, str]) -> httpx.Response:
    try:
        request = client.build_request("GET", url, headers={"accept": "*/*", **headers})
        try:
            return await client.send(request, stream=True)
        except (httpx.ReadError, httpx.RemoteProtocolError):
            # A connection that was kept, and that its host had closed: once more, on another.
            return await client.send(request, stream=True)
    except EgressRefused as refused:
        raise MediaFault(
            "unreachable", str(refused), retry_after=_REFUSED_RETRY, heard=None
        ) from None
    except ResponseTooLarge:
        raise MediaFault("too-large", "it is larger than media may be") from None
    except httpx.TransportError:
        why = "its host cannot be reached in time"
        raise MediaFault("unreachable", why, heard=False, passes=True) from None
    except (httpx.InvalidURL, UnicodeError):
        why = "its host cannot be reached in time"
        raise MediaFault("unreachable", why, heard=None) from None


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


def _announced(response: httpx.Response, most: int) -> int:
    """How many bytes to make room for. Raises `MediaFault` where it says that it is too large."""
    length = response.headers.get("content-length", "")
    if not length.isdigit():
        return most
    if int(length) > most:
        raise MediaFault("too-large", f"it has more than {most} bytes")
    return int(length)


async def _filled(form: Form, head: bytes, pieces: AsyncIterator[bytes], most: int) -> MediaFile:
    file = MediaFile(form)
    try:
        file.write(head)
        async for piece in pieces:
            if file.size + len(piece) > most:
                raise MediaFault("too-large", f"it has more than {most} bytes")
            file.write(piece)
    except BaseException:
        file.close()
        raise
    return file


@asynccontextmanager
async def _in_time(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(max(0.05, seconds)):
            yield
    except TimeoutError:
        why = "its host did not send all of it in time"
        raise MediaFault("unreachable", why, heard=False, passes=True) from None
