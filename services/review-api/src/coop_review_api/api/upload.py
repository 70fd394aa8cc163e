"""Large bodies: read after their sender's permission was seen, bounded in size, time and number.

Guarantees: a body over `MAX_BYTES` is answered 413 before it is held whole; one that does not
arrive within `SECONDS` 408; at most `AT_ONCE` are in memory at a time in a process, whoever has to
wait too long gets 503.
Must not: be used before the route's access was checked: FastAPI resolves a route's dependencies in
their order, the principal first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from coop_review_api.api.body import Body, JsonBody, parse
from coop_review_api.error import Unavailable
from coop_rules.bank_file import MAX_BYTES

SECONDS = 60.0  # for the whole body to arrive
AT_ONCE = 2
_WAIT_SECONDS = 10.0  # for another body to be done with

B = TypeVar("B", bound=Body)


class Uploads:
    """How many large bodies are in memory at a time in this process."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def room(self) -> AsyncIterator[None]:
        """While a body is in memory. Raises `Unavailable` when others are for too long."""
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._room.acquire()
        except TimeoutError:
            raise Unavailable("other files are being read", retry_after=30) from None
        try:
            yield
        finally:
            self._room.release()


async def received(request: Request) -> bytes:
    """The file in the request's body. Raises HTTPException."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _body(request)
    except TimeoutError:
        raise HTTPException(408, f"the file did not arrive within {SECONDS:g} s") from None


async def _body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > MAX_BYTES:
        raise HTTPException(413, f"the file is larger than {MAX_BYTES} bytes")
    found = bytearray()
    try:
        async for part in request.stream():
            found += part
            if len(found) > MAX_BYTES:
                raise HTTPException(413, f"the file is larger than {MAX_BYTES} bytes")
    except ClientDisconnect:
        raise HTTPException(400, "the file was cut off") from None
    return bytes(found)


class LargeJsonBody(JsonBody[B]):
    """A dependency that reads a large body as `model`, beside the event loop."""

    async def __call__(self, request: Request) -> B:
        self.check_type(request)
        uploads: Uploads = request.app.state.uploads
        async with uploads.room():
            raw = await received(request)
            return await asyncio.to_thread(parse, self.model, raw)
