"""Films and sounds passed on as they are, a piece at a time, through the guard.

Guarantees: what a film says of itself beside what is seen and heard is made unreadable (`blank`);
an answer has `piece` bytes at most, whatever was asked for (RFC 9110 lets a browser ask
for the rest); a file that is larger than `file` is refused; the type is what the first bytes of the
medium said, not what its host says now.
Must not: be asked before who looks chose to see it: these are the platform's own bytes.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct

from coop_media.blank import Blank, blanks_of
from coop_media.fault import MediaFault
from coop_media.fetch import opened
from coop_media.limit import StreamLimits
from coop_runtime.egress.guard import EgressGuard

_REMEMBERED = 256  # films of which it is known what they say
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")


class Piece(Struct, frozen=True):
    """Bytes `first` to `last` (both within) of `total`."""

    first: int
    last: int
    total: int
    content: bytes


class RangeRefused(Exception):
    """The asked-for bytes are not there; the file has `total`."""

    def __init__(self, total: int) -> None:
        super().__init__(f"the file has {total} bytes")
        self.total = total


def wanted(header: str | None) -> tuple[int, int | None]:
    """The first, and perhaps the last byte of a Range header; from the beginning where there is
    none, or one of a form that need not be understood (RFC 9110, 14.2)."""
    found = _RANGE.fullmatch((header or "").strip())
    if found is None:
        return 0, None
    return int(found[1]), int(found[2]) if found[2] else None


class MediaStream:
    """Gives pieces of media; close it when done."""

    def __init__(self, guard: EgressGuard, limits: StreamLimits | None = None) -> None:
        self.limits = limits or StreamLimits()
        # A host that does not know ranges sends the whole: it is cut where the piece ends.
        self._client = guard.client(timeout=self.limits.within, max_body=self.limits.file, raw=True)

        self._blanks: OrderedDict[str, tuple[int, tuple[Blank, ...]]] = OrderedDict()

    async def piece(self, url: str, first: int, last: int | None, *, media_type: str) -> Piece:
        """Bytes from `first` on, of a medium of that type. Raises `MediaFault`, `RangeRefused`."""
        found = await self._piece(url, first, last)
        content = bytearray(found.content)
        for blank in await self._blanks_of(url, found.total, media_type):
            blank.over(content, first)
        return Piece(found.first, found.last, found.total, bytes(content))

    async def _blanks_of(self, url: str, total: int, media_type: str) -> tuple[Blank, ...]:
        known = self._blanks.get(url)
        if known is not None and known[0] == total:
            self._blanks.move_to_end(url)
            return known[1]

        async def read(first: int, size: int) -> bytes:
            return (await self._piece(url, first, first + size - 1)).content

        made = await blanks_of(read, total, media_type)
        self._blanks[url] = (total, made)
        if len(self._blanks) > _REMEMBERED:
            self._blanks.popitem(last=False)
        return made

    async def _piece(self, url: str, first: int, last: int | None) -> Piece:
        end = first + self.limits.piece - 1
        if last is not None:
            end = min(end, last)
        if end < first:
            raise RangeRefused(0)
        async with self._opened(url, first, end) as (start, total, pieces):
            if total > self.limits.file:
                raise MediaFault("too-large", "it is larger than a film may be")
            if first >= total:
                raise RangeRefused(total)
            content = await _cut(pieces, first - start, min(end, total - 1) - first + 1)
        if not content:
            raise MediaFault("broken", "its host sends nothing")
        return Piece(first, first + len(content) - 1, total, content)

    @asynccontextmanager
    async def _opened(
        self, url: str, first: int, end: int
    ) -> AsyncIterator[tuple[int, int, AsyncIterator[bytes]]]:
        """Where the answer begins in the file, how long that is, and the answer."""
        async with opened(self._client, url, headers={"range": f"bytes={first}-{end}"}) as response:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise MediaFault("unreachable", "its host sends it compressed")
            start, total = 0, 0
            if response.status_code == 206:
                found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
                if found is None or int(found[1]) != first:
                    raise MediaFault("unreachable", "its host sends another part of it")
                start, total = int(found[1]), int(found[3])
            else:
                length = response.headers.get("content-length", "")
                if not length.isdigit():
                    raise MediaFault("unreachable", "its host does not say how long it is")
                total = int(length)
            yield start, total, response.aiter_raw()

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._client.aclose()


async def _cut(pieces: AsyncIterator[bytes], skipped: int, size: int) -> bytes:
    found = bytearray()
    async for piece in pieces:
        part = piece[skipped:] if skipped else piece
        skipped = max(0, skipped - len(piece))
        found += part[: size - len(found)]
        if len(found) >= size:
            break
    return bytes(found)
