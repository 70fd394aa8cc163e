"""Large bodies: read after their sender's permission was seen, bounded in size, time and number.

Guarantees: a body over the limit is answered 413 before it is held whole; one that does not
arrive in time 408; few are in memory at a time in a process, whoever has to wait too long gets 503.
Must not: be used before the route's access was checked: FastAPI resolves a route's dependencies in
their order, the principal first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from coop_review_api.http.body import Body, JsonBody, parse
from coop_review_api.http.context import part_of
from coop_review_api.kernel.error import Unavailable

B = TypeVar("B", bound=Body)


@dataclass(frozen=True, kw_only=True)
class UploadLimits:
    """Bytes of a body; seconds for the whole of it to arrive, and for another one to be done with;
    how many are in memory at once."""

    max_bytes: int = 32 << 20
    arrival: float = 60.0
    waiting: float = 10.0
    at_once: int = 2


class Uploads:
    """The large bodies of this process."""

    def __init__(self, limits: UploadLimits) -> None:
        self.limits = limits
        self._room = asyncio.Semaphore(limits.at_once)

    @asynccontextmanager
    async def room(self) -> AsyncIterator[None]:
        """While a body is in memory. Raises `Unavailable` when others are for too long."""
        try:
            async with asyncio.timeout(self.limits.waiting):
                await self._room.acquire()
        except TimeoutError:
            raise Unavailable("other files are being read", retry_after=30) from None
        try:
            yield
        finally:
            self._room.release()

    async def received(self, request: Request) -> bytes:
        """The file in the request's body. Raises HTTPException."""
        limits = self.limits
        try:
            async with asyncio.timeout(limits.arrival):
                return await _body(request, limits.max_bytes)
        except TimeoutError:
            reason = f"the file did not arrive within {limits.arrival:g} s"
            raise HTTPException(408, reason) from None


async def _body(request: Request, max_bytes: int) -> bytes:
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > max_bytes:
        raise HTTPException(413, f"the file is larger than {max_bytes} bytes")
    found = bytearray()
    try:
        async for part in request.stream():
            found += part
            if len(found) > max_bytes:
                raise HTTPException(413, f"the file is larger than {max_bytes} bytes")
    except ClientDisconnect:
        raise HTTPException(400, "the file was cut off") from None
    return bytes(found)


class LargeJsonBody(JsonBody[B]):
    """A dependency that reads a large body as `model`, beside the event loop."""

    async def __call__(self, request: Request) -> B:
        self.check_type(request)
        uploads = part_of(request, Uploads)
        async with uploads.room():
            raw = await uploads.received(request)
            return await asyncio.to_thread(parse, self.model, raw)
