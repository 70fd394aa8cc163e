"""Images, sounds and videos of a platform, downloaded to be judged.

Guarantees: every download passes the egress guard; the size is cut at the provider's limit, the
memory of all downloads at once at a budget, of which one organisation gets at most half; the kind
is told by the first bytes, never by a name or a header alone. Redirects are not followed.
Must not: keep a medium once the call is over, or name a URL in an error: it may carry a token.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import httpx

from coop_runtime.egress.guard import EgressRefused, ResponseTooLarge
from coop_signals import metric
from coop_signals.error import InputRefused, MediaUnavailable, SignalError

MEGABYTE = 1024 * 1024
_COPIES = 4  # of a medium in memory at the worst moment: body, encoding, request, socket
_SNIFFED = 16  # bytes
MediumKind = Literal["image", "sound"]  # a sound may have pictures: a video


@dataclass(frozen=True, slots=True)
class MediumLimit:
    """What a provider takes: `max_bytes` of one of `kinds`. `timeout`: seconds of the download."""

    kind: MediumKind
    max_bytes: int
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class Medium:
    """A downloaded medium. `extension` without the dot and `media_type` are by its content."""

    content: bytes
    extension: str
    media_type: str

    def __repr__(self) -> str:
        return f"Medium({self.media_type}, {len(self.content)} bytes)"


class MediaBudget:
    """Bytes of memory for media: first come, first served; no organisation holds over half."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._used: Counter[str] = Counter()
        self._waiting: deque[tuple[str, int, asyncio.Future[None]]] = deque()

    @property
    def used(self) -> int:
        return self._used.total()

    def _fits(self, org_id: str, size: int) -> bool:
        # A medium larger than the share still passes when nothing of its organisation is there.
        own = self._used[org_id]
        within_share = own == 0 or own + size <= self._total // 2
        return within_share and (self.used == 0 or self.used + size <= self._total)

    @asynccontextmanager
    async def reserved(self, org_id: str, size: int) -> AsyncIterator[None]:
        """Waits until there is room; the caller has the deadline."""
        if any(waiting[0] == org_id for waiting in self._waiting) or not self._fits(org_id, size):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            entry = (org_id, size, turn)
            self._waiting.append(entry)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._release(org_id, size)
                else:
                    self._waiting.remove(entry)
                raise
        else:
            self._take(org_id, size)
        try:
            yield
        finally:
            self._release(org_id, size)

    def _take(self, org_id: str, size: int) -> None:
        self._used[org_id] += size
        metric.DOWNLOAD_BYTES.set(self.used)

    def _release(self, org_id: str, size: int) -> None:
        self._used[org_id] -= size
        if self._used[org_id] <= 0:
            del self._used[org_id]
        metric.DOWNLOAD_BYTES.set(self.used)
        blocked: set[str] = set()
        for entry in list(self._waiting):
            org, wanted, turn = entry
            if turn.cancelled() or org in blocked:
                continue
            if self._fits(org, wanted):
                self._waiting.remove(entry)
                self._take(org, wanted)
                turn.set_result(None)
            else:
                blocked.add(org)


class Downloads:
    """Downloads media for one event loop. `client` is a guarded one, whose body limit is at least
    every provider's."""

    def __init__(self, client: httpx.AsyncClient, *, budget: MediaBudget) -> None:
        self._client = client
        self._budget = budget

    @asynccontextmanager
    async def medium(self, org_id: str, url: str, limit: MediumLimit) -> AsyncIterator[Medium]:
        """The medium, as long as the block runs.

        Raises InputRefused (another try changes nothing) or MediaUnavailable.
        """
        async with AsyncExitStack() as held:
            try:
                medium = await self._download(org_id, url, limit, held)
            except SignalError as error:
                refused = isinstance(error, InputRefused)
                metric.DOWNLOADS.labels("refused" if refused else "unavailable").inc()
                raise
            metric.DOWNLOADS.labels("had").inc()
            yield medium

    async def _download(
        self, org_id: str, url: str, limit: MediumLimit, held: AsyncExitStack
    ) -> Medium:
        """Reserves the memory in `held`: by the length announced, else by the limit."""
        try:
            async with (
                asyncio.timeout(limit.timeout),
                self._client.stream("GET", url, timeout=limit.timeout) as answer,
            ):
                size = _announced(answer, limit)
                await held.enter_async_context(self._budget.reserved(org_id, size * _COPIES))
                content = await _read(answer, limit)
        except TimeoutError:
            raise MediaUnavailable("the medium did not come in time") from None
        except EgressRefused as error:
            raise InputRefused(f"the medium's address is not allowed: {error}") from None
        except ResponseTooLarge:
            raise InputRefused(_too_large(limit)) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise InputRefused("the medium's URL is malformed") from None
        except httpx.TransportError as error:
            raise MediaUnavailable(
                f"the medium cannot be downloaded ({type(error).__name__})"
            ) from None
        return _recognised(content, limit.kind)


def _announced(answer: httpx.Response, limit: MediumLimit) -> int:
    """The bytes to expect at most, by an answer's head. Raises SignalError."""
    status = answer.status_code
    if status >= 500 or status in (408, 425, 429):
        raise MediaUnavailable(f"the medium's host answers {status}")
    if 300 <= status < 400:
        raise InputRefused(f"the medium's host redirects ({status}), which is not followed")
    if status != 200:
        raise InputRefused(f"the medium's host answers {status}")
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    # Some hosts know no type; the first bytes decide. A page is refused before it is read.
    if media_type.startswith("text/") or media_type in ("application/json", "application/xml"):
        raise InputRefused("the medium's host answers with a text")
    length = answer.headers.get("content-length", "")
    if not length.isdigit():
        return limit.max_bytes
    if int(length) > limit.max_bytes:
        raise InputRefused(_too_large(limit))
    return int(length)


async def _read(answer: httpx.Response, limit: MediumLimit) -> bytes:
    content = bytearray()
    async for part in answer.aiter_raw():
        content += part
        if len(content) > limit.max_bytes:
            raise InputRefused(_too_large(limit))
    return bytes(content)


def _too_large(limit: MediumLimit) -> str:
    return f"the medium is larger than {round(limit.max_bytes / MEGABYTE)} MB"


_SIGNATURES: tuple[tuple[bytes, MediumKind, str, str], ...] = (
    (b"\xff\xd8\xff", "image", "jpg", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image", "png", "image/png"),
    (b"GIF87a", "image", "gif", "image/gif"),
    (b"GIF89a", "image", "gif", "image/gif"),
    (b"BM", "image", "bmp", "image/bmp"),
    (b"II*\x00", "image", "tiff", "image/tiff"),
    (b"MM\x00*", "image", "tiff", "image/tiff"),
    (b"fLaC", "sound", "flac", "audio/flac"),
    (b"ID3", "sound", "mp3", "audio/mpeg"),
    (b"OggS", "sound", "ogg", "audio/ogg"),
    (b"\x1aE\xdf\xa3", "sound", "webm", "video/webm"),
    (b"\x00\x00\x01\xba", "sound", "mpeg", "video/mpeg"),
    (b"\x00\x00\x01\xb3", "sound", "mpeg", "video/mpeg"),
)
_IMAGE_BRANDS = {
    b"avif": "avif",
    b"avis": "avif",
    b"heic": "heic",
    b"heix": "heic",
    b"mif1": "heif",
}


def _recognised(content: bytes, kind: MediumKind) -> Medium:
    if not content:
        raise InputRefused("the medium is empty")
    found = _kind_of(content[:_SNIFFED])
    if found is None or found[0] != kind:
        wanted = "an image" if kind == "image" else "a sound or video"
        raise InputRefused(f"the medium is not {wanted} of a known format")
    return Medium(content, found[1], found[2])


def _kind_of(head: bytes) -> tuple[MediumKind, str, str] | None:
    for signature, kind, extension, media_type in _SIGNATURES:
        if head.startswith(signature):
            return kind, extension, media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image", "webp", "image/webp"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "sound", "wav", "audio/wav"
    if head[4:8] == b"ftyp":  # ISO/IEC 14496-12
        brand = _IMAGE_BRANDS.get(head[8:12])
        if brand is not None:
            return "image", brand, f"image/{brand}"
        return (
            ("sound", "m4a", "audio/mp4") if head[8:11] == b"M4A" else ("sound", "mp4", "video/mp4")
        )
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2:  # MPEG audio, layer III
        return "sound", "mp3", "audio/mpeg"
    return None
