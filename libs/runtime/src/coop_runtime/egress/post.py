"""The hottest way out: POST through the guard without the costs of a general HTTP client.

    target = poster.prepare(url, headers)      once for as long as they stay the same
    answer = await poster.post(target, headers, body)

Guarantees: those of `egress`, on the same connections; a status that arrived is an answer, whatever
becomes of the body after it; of a body at most `max_read` bytes are read. A kept connection that
the other side had closed before the request reached it is replaced, once.
Must not: be used for requests that are not idempotent: a request whose connection broke without a
byte of an answer may have arrived, and is sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx
from msgspec import Struct

from coop_runtime.egress.connection import HttpConnection, RawHeaders, encode_headers
from coop_runtime.egress.transport import GuardedTransport, Origin, origin_of


class PostTarget(Struct, frozen=True):
    """Where requests go, and the headers that all of them have, checked and encoded."""

    url: httpx.URL
    origin: Origin
    head: bytes


class PostAnswer(Struct, frozen=True):
    """What came back. `body` is what was read of it; header names are in lower case."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> str | None:
        """A header's value, the first where there are several."""
        for found, value in self.headers:
            if found == name:
                return value.decode("latin-1")
        return None


class Poster:
    """Posts over the connections of one transport. Lives in one event loop.

    `timeout`: seconds for a whole exchange, from the resolver to the last byte that is read.
    """

    def __init__(self, transport: GuardedTransport, *, timeout: float, max_read: int) -> None:
        self._transport = transport
        self.timeout = timeout
        self._max_read = max_read

    def prepare(self, url: str, headers: RawHeaders) -> PostTarget:
        """Checks the URL and encodes what does not change from request to request.

        Raises EgressRefused, httpx.InvalidURL, httpx.LocalProtocolError.
        """
        parsed = httpx.URL(url)
        self._transport.guard.check(parsed)
        target, host = parsed.raw_path, parsed.netloc
        head = encode_headers("POST", target, [(b"host", host), *headers])
        return PostTarget(parsed, origin_of(parsed), head)

    async def post(
        self, target: PostTarget, headers: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> PostAnswer:
        """Posts `body`. Raises EgressRefused, httpx.TransportError; ReadTimeout past the deadline,
        unless the status had arrived."""
        data = b"".join(
            [
                target.head,
                encode_headers(None, b"", headers),
                b"content-length: %d\r\n\r\n" % len(body),
                body,
            ]
        )
        read = bytearray()
        connection: HttpConnection | None = None
        transport = self._transport
        try:
            async with asyncio.timeout(self.timeout), transport.exchanges:
                connection = await self._send(target, data)
                try:
                    await self._read(connection, read)
                finally:
                    transport.keep(target.origin, connection)
        except (TimeoutError, httpx.TransportError) as error:
            # The status decides: what comes after it may break off.
            if connection is None and isinstance(error, TimeoutError):
                raise httpx.ReadTimeout("no answer within the deadline") from None
            if connection is None:
                raise
        return PostAnswer(connection.status, connection.headers, bytes(read))

    async def _send(self, target: PostTarget, data: bytes) -> HttpConnection:
        """The connection, with the answer's head read."""
        connection = self._transport.take(target.origin)
        if connection is not None:
            try:
                return await _sent(connection, data)
            except httpx.TransportError:
                if not connection.silent:
                    raise
        return await _sent(await self._transport.connect(target.url), data)

    async def _read(self, connection: HttpConnection, read: bytearray) -> None:
        while len(read) < self._max_read:
            part = await connection.read()
            if part is None:
                return
            read += part[: self._max_read - len(read)]

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._transport.aclose()


async def _sent(connection: HttpConnection, data: bytes) -> HttpConnection:
    try:
        await connection.send(data, head_only=False, keep=True)
    except BaseException:
        connection.close()
        raise
    return connection
