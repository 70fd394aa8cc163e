"""What an egress client sends with: a pool of connections to checked addresses.

Guarantees: connections are pooled by (scheme, name, port), each bound to the address that was
checked when it was opened, so that a name never rides on a connection whose certificate was checked
for another; the number of connections and of exchanges at once is bounded; every exchange has one
deadline, from the resolver to the last byte.
Must not: follow, retry, unpack or keep anything by itself.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import httpx

from coop_contracts.address import Address
from coop_runtime.egress.connection import HttpConnection, ResponseTooLarge, encode_request

_ADDRESSES = 3  # of those a name resolves to, how many are tried

Origin = tuple[str, str, int]


@dataclass(frozen=True, kw_only=True)
class EgressLimits:
    """Of one client: seconds for a name to resolve and a connection to stand; `exchanges` at once;
    at most `kept` idle connections, each for `keep_alive` seconds."""

    resolve_timeout: float = 5.0
    connect_timeout: float = 5.0
    exchanges: int = 512
    kept: int = 256
    keep_alive: float = 30.0


class Guard(Protocol):
    """Who says where a connection may go, and within which limits."""

    @property
    def limits(self) -> EgressLimits: ...
    def check(self, url: str | httpx.URL) -> None: ...
    def check_request(self, request: httpx.Request) -> None: ...
    async def addresses(self, host: str, port: int) -> list[Address]: ...


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends httpx requests over guarded connections. Lives in one event loop.

    `exchanges` bounds how many there are at once.
    """

    def __init__(
        self, guard: Guard, context: ssl.SSLContext, timeout: float, max_body: int, *, raw: bool
    ) -> None:
        self.guard = guard
        self._context = context
        self._timeout = timeout
        self._max_body = max_body
        self._raw = raw
        self._limits = guard.limits
        self.exchanges = asyncio.Semaphore(guard.limits.exchanges)
        # Insertion order is the order of going idle: the oldest is first.
        self._idle: OrderedDict[HttpConnection, tuple[Origin, asyncio.TimerHandle]] = OrderedDict()
        self._idle_of: dict[Origin, list[HttpConnection]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.guard.check_request(request)
        limit = request.extensions.get("timeout", {}).get("read") or self._timeout
        deadline = asyncio.get_running_loop().time() + min(self._timeout, limit)
        try:
            async with asyncio.timeout_at(deadline):
                await self.exchanges.acquire()
                try:
                    connection = await self._exchange(request)
                except BaseException:
                    self.exchanges.release()
                    raise
        except TimeoutError:
            raise httpx.ReadTimeout("no answer within the deadline") from None
        body = _Body(self, origin_of(request.url), connection, deadline, self._max_body)
        try:
            if not self._raw:
                _check_head(connection, self._max_body, request.method)
        except httpx.TransportError:
            await body.aclose()
            raise
        return httpx.Response(connection.status, headers=connection.headers, stream=body)

    async def _exchange(self, request: httpx.Request) -> HttpConnection:
        """The connection, with the answer's head read."""
        body = b"".join([part async for part in _stream_of(request)])
        data = encode_request(request.method, request.url.raw_path, request.headers.raw, body)
        keep = "close" not in request.headers.get("connection", "").lower()
        connection = self.take(origin_of(request.url)) or await self.connect(request.url)
        try:
            await connection.send(data, head_only=request.method == "HEAD", keep=keep)
        except BaseException:
            connection.close()
            raise
        return connection

    async def connect(self, url: httpx.URL) -> HttpConnection:
        """A new connection to a checked address. Raises EgressRefused, httpx.TransportError."""
        scheme, host, port = origin_of(url)
        addresses = (await self.guard.addresses(host, port))[:_ADDRESSES]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limits.connect_timeout
        context = self._context if scheme == "https" else None
        error: Exception = httpx.ConnectError(f"{host}: no address")
        for position, address in enumerate(addresses):
            # An address that swallows packets must leave time for the next one.
            share = max(0.05, deadline - loop.time()) / (len(addresses) - position)
            try:
                async with asyncio.timeout(share):
                    _, connection = await loop.create_connection(
                        HttpConnection,
                        str(address),
                        port,
                        ssl=context,
                        server_hostname=host if context else None,
                    )
                return connection
            except TimeoutError:
                error = httpx.ConnectTimeout(f"{host}: no connection in time")
            except OSError as failure:  # ssl.SSLError is one
                error = httpx.ConnectError(f"{host}: {failure.strerror or failure}")
        raise error

    def take(self, origin: Origin) -> HttpConnection | None:
        """A kept connection, if there is one."""
        idle = self._idle_of.get(origin)
        while idle:
            connection = idle[-1]
            self._forget(connection)
            if connection.reusable:
                return connection
            connection.close()
        return None

    def _forget(self, connection: HttpConnection) -> None:
        origin, timer = self._idle.pop(connection)
        timer.cancel()
        idle = self._idle_of[origin]
        idle.remove(connection)
        if not idle:
            del self._idle_of[origin]

    def give_back(self, origin: Origin, connection: HttpConnection) -> None:
        """An exchange is over: keeps its connection, or closes it."""
        self.exchanges.release()
        self.keep(origin, connection)

    def keep(self, origin: Origin, connection: HttpConnection) -> None:
        """Keeps a connection for the next exchange, or closes it."""
        if not connection.reusable:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._limits.keep_alive, self._expire, connection)
        self._idle[connection] = (origin, timer)
        self._idle_of.setdefault(origin, []).append(connection)
        if len(self._idle) > self._limits.kept:
            self._expire(next(iter(self._idle)))

    def _expire(self, connection: HttpConnection) -> None:
        self._forget(connection)
        connection.close()

    async def aclose(self) -> None:
        for connection in list(self._idle):
            self._expire(connection)
        await asyncio.sleep(0)  # lets the transports close


def origin_of(url: httpx.URL) -> Origin:
    port = url.port or (443 if url.scheme == "https" else 80)
    return url.scheme, url.raw_host.decode("ascii"), port


def _stream_of(request: httpx.Request) -> httpx.AsyncByteStream:
    if not isinstance(request.stream, httpx.AsyncByteStream):
        raise httpx.LocalProtocolError("an asynchronous body is needed")
    return request.stream


def _check_head(connection: HttpConnection, max_body: int, method: str) -> None:
    headers = dict(connection.headers)
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    if encoding not in (b"", b"identity"):
        raise httpx.RemoteProtocolError("a compressed answer was not asked for")
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > max_body and method != "HEAD":
        raise ResponseTooLarge(f"the answer has over {max_body} bytes")


class _Body(httpx.AsyncByteStream):
    """An answer's body that ends with an error at its limit of bytes or time."""

    def __init__(
        self,
        transport: GuardedTransport,
        origin: Origin,
        connection: HttpConnection,
        deadline: float,
        max_body: int,
    ) -> None:
        self._transport = transport
        self._origin = origin
        self._connection = connection
        self._deadline = deadline
        self._left = max_body
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            try:
                async with asyncio.timeout_at(self._deadline):
                    part = await self._connection.read()
            except TimeoutError:
                raise httpx.ReadTimeout("the answer took too long") from None
            if part is None:
                return
            self._left -= len(part)
            if self._left < 0:
                raise ResponseTooLarge("the answer is too large")
            yield part

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._transport.give_back(self._origin, self._connection)
