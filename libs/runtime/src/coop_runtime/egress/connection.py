"""A client's HTTP/1.1 connection: one exchange at a time, parsed by httptools.

    idle ──send──▶ head awaited ──▶ body ──complete──▶ idle (kept) or closed
                       └─────────────┴── lost, malformed ──▶ closed, the exchange fails

Guarantees: an answer's head is bounded, its body flows only as fast as it is read; an answer that
ends early, or is malformed, is an error and never a short body; nothing that arrives outside an
exchange is taken for an answer.
Must not: resolve or choose addresses, time anything, or be shared by two exchanges.
Why it exists: decision record 0012.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from typing import cast

import httptools
import httpx

HEAD_LIMIT = 64 * 1024  # bytes of an answer's head, interim answers included
_BUFFER_HIGH = 256 * 1024

RawHeaders = Sequence[tuple[bytes, bytes]]

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, token
_VALUE = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*")
_TARGET = re.compile(rb"[\x21-\x7e]+")
# What this connection decides by itself.
_OWN = frozenset({b"content-length", b"transfer-encoding"})


class ResponseTooLarge(httpx.TransportError):
    """The answer's body is larger than the caller allows."""


def encode_request(method: str, target: bytes, headers: RawHeaders, body: bytes) -> bytes:
    """The bytes of a request. Raises httpx.LocalProtocolError for what would break its frame."""
    lines = [encode_headers(method, target, headers)]
    if body or method not in ("GET", "HEAD", "OPTIONS", "DELETE"):
        lines.append(b"content-length: %d\r\n" % len(body))
    lines += [b"\r\n", body]
    return b"".join(lines)


def encode_headers(method: str | None, target: bytes, headers: RawHeaders) -> bytes:
    """The lines of a head, without its end and without what says how long the body is; without the
    first line where `method` is None. Raises httpx.LocalProtocolError."""
    lines = []
    if method is not None:
        if not _NAME.fullmatch(method.encode()) or not _TARGET.fullmatch(target):
            raise httpx.LocalProtocolError("a malformed method or target")
        lines += [method.encode(), b" ", target, b" HTTP/1.1\r\n"]
    for name, value in headers:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise httpx.LocalProtocolError("a malformed header")
        if name.lower() not in _OWN:
            lines += [name, b": ", value, b"\r\n"]
    return b"".join(lines)


class HttpConnection(asyncio.Protocol):
    """One connection. `reusable` says whether another exchange may follow."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._skip_body = False
        self._head_size = 0
        self._parts: deque[bytes] = deque()
        self._buffered = 0
        self._paused = False
        self._interim = False
        self._head_complete = False
        self._framed = False
        self._keep = False
        self._complete = True
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []

    @property
    def reusable(self) -> bool:
        """True when the last exchange is over and the other side keeps the connection."""
        return self._keep and self._complete and not self._paused and not self.closed

    @property
    def closed(self) -> bool:
        """True when nothing more can be sent."""
        return self._error is not None or self._transport is None or self._transport.is_closing()

    @property
    def silent(self) -> bool:
        """True when not a byte of the present exchange's answer has arrived."""
        return not self._head_complete and not self._head_size

    def close(self) -> None:
        """Ends the connection at once, whatever it is doing."""
        if self._transport is not None:
            self._transport.abort()

    async def send(self, request: bytes, *, head_only: bool, keep: bool) -> None:
        """Sends a request and waits for the answer's head: `status` and `headers`.

        `head_only`: no body follows (HEAD). Raises httpx.TransportError.
        """
        if self._transport is None or self.closed or not self._complete:
            raise httpx.ReadError("the connection is closed")
        self._skip_body = head_only
        self._complete = self._head_complete = False
        self._keep = keep
        self._head_size = 0
        self._parts.clear()
        self._buffered = 0
        self._transport.write(request)
        while not self._head_complete:
            await self._wait()

    async def read(self) -> bytes | None:
        """The next piece of the body, None at its end. Raises httpx.TransportError."""
        while not self._parts:
            if self._complete:
                return None
            await self._wait()
        part = self._parts.popleft()
        self._buffered -= len(part)
        if self._paused and self._buffered < _BUFFER_HIGH:
            self._paused = False
            if self._transport is not None and not self.closed:
                self._transport.resume_reading()
        return part

    async def _wait(self) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: Exception) -> None:
        if self._error is None:
            self._error = error
        self.close()
        self._wake()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no common class with asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._complete:  # bytes that belong to no request
            self._fail(httpx.RemoteProtocolError("an answer nobody asked for"))
            return
        if not self._head_complete:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(httpx.RemoteProtocolError(f"a malformed answer: {error}"))
            return
        if not self._head_complete:
            if self._head_size > HEAD_LIMIT:
                self._fail(httpx.RemoteProtocolError("the answer's head is too long"))
        elif self._buffered > _BUFFER_HIGH and not self._paused and not self.closed:
            self._paused = True
            if self._transport is not None:
                self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        return False  # closes, and connection_lost follows

    def connection_lost(self, exc: Exception | None) -> None:
        self._keep = False
        if self._head_complete and not self._complete and not self._framed and exc is None:
            self._complete = True  # a body that ends with its connection
        elif not self._complete and self._error is None:
            self._error = httpx.RemoteProtocolError("the connection ended before the answer did")
        elif self._error is None:
            self._error = httpx.ReadError("the connection is closed")
        self._wake()

    # httptools' side

    def on_message_begin(self) -> None:
        if self._complete:
            raise ValueError("a second answer")
        self.headers = []
        self._framed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = name.lower()
        if lower in _OWN:
            self._framed = True
        self.headers.append((lower, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status == 101:
            raise ValueError("a protocol nobody asked for")
        self._interim = status < 200
        if self._interim:
            return
        self.status = status
        self._keep = self._keep and self._parser.should_keep_alive()
        self._head_complete = True
        if self._skip_body:
            # The parser waits for the body that was announced and never comes.
            self._complete, self._keep = True, False

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)
        self._buffered += len(body)

    def on_message_complete(self) -> None:
        if not self._interim:
            self._complete = True
