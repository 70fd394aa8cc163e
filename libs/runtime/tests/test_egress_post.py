"""Posting through the guard: what counts as an answer, what is sent again, what is refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from coop_runtime.egress.guard import EgressGuard, EgressRefused
from coop_runtime.egress.post import Poster

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-A: 1\r\nx-a: 2\r\n\r\nok"


class Server:
    """A local server that answers as told, and remembers what came."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = ""
        self.answer: Answer = self.ok

    async def ok(self, _request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.partition(b"content-length: ")[2].partition(b"\r")[0])
                self.requests.append(head + await reader.readexactly(length))
                await self.answer(self.requests[-1], writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await made.serve(reader, writer)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/a?b=c"
    yield made
    listener.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def poster() -> AsyncIterator[Poster]:
    made = EgressGuard(["127.0.0.0/8"]).poster(timeout=5, max_read=1000)
    yield made
    await made.aclose()


async def test_what_is_sent_and_what_came(server: Server, poster: Poster) -> None:
    """The fixed headers, those of the request, the body; status, headers and body come back."""
    address = poster.prepare(server.url, [(b"x-fixed", b"1")])
    answer = await poster.post(address, [(b"x-own", b"2")], b"body")
    assert (answer.status, answer.body) == (200, b"ok")
    assert (answer.header(b"x-a"), answer.header(b"x-b")) == ("1", None)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /a?b=c HTTP/1.1"
    host = server.url.split("/")[2].encode()
    assert set(lines[1:]) == {
        b"host: " + host,
        b"x-fixed: 1",
        b"x-own: 2",
        b"content-length: 4",
    }
    assert body == b"body"


async def test_connections_are_kept(server: Server, poster: Poster) -> None:
    """One after another, requests share a connection; at once, each has its own."""
    address = poster.prepare(server.url, [])
    for _ in range(3):
        await poster.post(address, [], b"x")
    assert server.connections == 1
    await asyncio.gather(*(poster.post(address, [], b"x") for _ in range(4)))
    assert 1 < server.connections <= 5


async def test_a_kept_connection_that_was_closed_is_replaced(
    server: Server, poster: Poster
) -> None:
    """The other side closes between two requests: the second goes on a new connection."""

    async def close_after(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        await asyncio.sleep(0.01)
        writer.close()

    server.answer = close_after
    address = poster.prepare(server.url, [])
    for _ in range(5):
        assert (await poster.post(address, [], b"x")).status == 200


async def test_a_request_that_dies_on_a_kept_connection_is_sent_once_more(
    server: Server, poster: Poster
) -> None:
    """Not a byte of an answer on a kept connection: again on a new one, and not a third time."""
    address = poster.prepare(server.url, [])
    await poster.post(address, [], b"first")

    async def abort(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    server.answer = abort
    with pytest.raises(httpx.TransportError):
        await poster.post(address, [], b"second")
    assert [one[-6:] for one in server.requests[1:]] == [b"second", b"second"]
    with pytest.raises(httpx.TransportError):
        await poster.post(address, [], b"third.")
    assert len(server.requests) == 4, "on a new connection there is no second try"


async def test_an_answer_that_began_is_not_asked_for_again(server: Server, poster: Poster) -> None:
    """A connection that breaks within the status line has reached the other side: an error."""
    address = poster.prepare(server.url, [])
    await poster.post(address, [], b"x")

    async def begin(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 2")
        await writer.drain()
        writer.transport.abort()

    server.answer = begin
    with pytest.raises(httpx.TransportError):
        await poster.post(address, [], b"y")
    assert len(server.requests) == 2


async def test_the_status_decides(server: Server, poster: Poster) -> None:
    """A body that breaks off, never ends or is endless changes nothing about the status."""

    async def break_off(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Made\r\ncontent-length: 100\r\n\r\nhalf")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()

    async def endless(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 202 Yes\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"z" * 10_000)
                await writer.drain()

    async def silent(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 203 Wait\r\ncontent-length: 100\r\n\r\nsome")

    address = poster.prepare(server.url, [])
    server.answer = break_off
    assert (await poster.post(address, [], b"")).status == 201
    server.answer = endless
    answer = await poster.post(address, [], b"")
    assert (answer.status, len(answer.body)) == (202, 1000)
    hurried = EgressGuard(["127.0.0.0/8"]).poster(timeout=0.5, max_read=1000)
    server.answer = silent
    answer = await hurried.post(hurried.prepare(server.url, []), [], b"")
    assert (answer.status, answer.body) == (203, b"some")
    await hurried.aclose()


async def test_silence_ends_with_the_deadline(server: Server) -> None:
    """No status within the deadline is ReadTimeout, and the connection is not kept."""

    async def silent(_request: bytes, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    server.answer = silent
    poster = EgressGuard(["127.0.0.0/8"]).poster(timeout=0.3, max_read=1000)
    address = poster.prepare(server.url, [])
    with pytest.raises(httpx.ReadTimeout):
        await poster.post(address, [], b"x")
    server.answer = server.ok
    assert (await poster.post(address, [], b"x")).status == 200
    assert server.connections == 2
    await poster.aclose()


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "http://u:p@a.example/", "http://10.0.0.1/", "http://0x7f.1/"]
)
async def test_what_the_guard_refuses_is_refused_before(poster: Poster, url: str) -> None:
    """A URL that leads nowhere good is refused when it is prepared."""
    with pytest.raises((EgressRefused, httpx.InvalidURL)):
        poster.prepare(url, [])


async def test_addresses_are_checked_when_connecting() -> None:
    """A name that leads inside is refused when it is resolved."""

    async def inside(_host: str, _port: int) -> list[str]:
        return ["192.168.0.1"]

    poster = EgressGuard([], resolver=inside).poster(timeout=1, max_read=10)
    with pytest.raises(EgressRefused):
        await poster.post(poster.prepare("http://a.example/", []), [], b"")
    await poster.aclose()


@pytest.mark.parametrize("value", [b"a\r\nx: y", b"a\nb", b"a\0"])
async def test_headers_cannot_break_the_frame(server: Server, poster: Poster, value: bytes) -> None:
    """Neither a fixed header nor one of a request may hold what ends a line."""
    with pytest.raises(httpx.LocalProtocolError):
        poster.prepare(server.url, [(b"x", value)])
    with pytest.raises(httpx.LocalProtocolError):
        await poster.post(poster.prepare(server.url, []), [(b"x", value)], b"")
    assert server.requests == []
