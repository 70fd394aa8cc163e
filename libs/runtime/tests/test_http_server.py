"""The HTTP server's limits against slow, endless and broken clients."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from coop_runtime.process.http_server import HttpServer, ServerLimits


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise RuntimeError("no lifespan here")
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = str(size).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def serving(*, of: Any = app, **limits: Any) -> AsyncIterator[int]:
    server = HttpServer(of, "127.0.0.1", 0, limits=ServerLimits(**limits))
    server.bind()
    task = asyncio.create_task(server.run())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0.001)
    try:
        yield server.port
    finally:
        server.stop(1)
        await asyncio.wait_for(task, 10)


async def exchange(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """Everything the server says to these parts, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_requests_are_answered_on_one_connection() -> None:
    """Two requests, one of them in pieces, then a close: two answers."""
    async with serving() as port:
        answer = await exchange(
            port,
            b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab",
            b"cd",
            b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 2\r\n\r\nab",
        )
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.endswith(b"2")
    assert b"server:" not in answer


@pytest.mark.parametrize(
    "head", [b"GET / HTTP/1.1\r\nhost: a\r\nx: ", b"GET /", b"GET / HTTP/1.1\r\nhost: a\r\n"]
)
async def test_an_endless_head_is_refused(head: bytes) -> None:
    """A head that grows without end is cut at its limit, wherever it grows."""
    tail = b"x: yyyyyyyy\r\n" * 800 if head.endswith(b"\r\n") else b"y" * 10_000
    async with serving() as port:
        answer = await exchange(port, head, *[tail] * 4, pause=0.02)
        assert answer.startswith(b"HTTP/1.1 431 ")
        await exchange(port, head, *[tail] * 1000)  # ends: the server does not read on


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nhost:"])
async def test_a_head_that_does_not_come_is_given_up(sent: bytes) -> None:
    """A connection that says nothing, or stops in the head, is closed at the deadline."""
    async with serving(head_timeout=0.2) as port:
        began = time.monotonic()
        answer = await exchange(port, sent)
        assert time.monotonic() - began < 3
    assert answer == b"" if not sent else answer.startswith(b"HTTP/1.1 408 ")


async def test_a_drip_of_bytes_does_not_extend_the_deadline() -> None:
    """A byte of the head now and then does not buy time."""
    async with serving(head_timeout=0.3) as port:
        began = time.monotonic()
        await exchange(port, *[b"G"] + [b"x"] * 50, pause=0.1)
        assert time.monotonic() - began < 8


async def test_a_body_that_does_not_come_is_given_up() -> None:
    """A client that stops in the body is disconnected, so that nothing waits for it."""
    async with serving(body_timeout=0.2) as port:
        began = time.monotonic()
        answer = await exchange(port, b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nab")
        assert time.monotonic() - began < 3
    assert answer == b""


async def test_a_large_body_passes() -> None:
    """Ten megabytes in many pieces are the application's affair."""
    head = b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 10000000\r\n\r\n"
    async with serving() as port:
        answer = await exchange(port, head, *[b"x" * 100_000] * 100)
    assert answer.endswith(b"10000000")


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET \xff HTTP/1.1\r\nhost: a\r\n\r\n"])
async def test_what_is_no_http_is_refused(sent: bytes) -> None:
    """A malformed request gets 400 and a close."""
    async with serving() as port:
        assert (await exchange(port, sent)).startswith(b"HTTP/1.1 400 ")


def request(*lines: bytes, version: bytes = b"1.1", host: bytes | None = b"host: a") -> bytes:
    """A POST with these lines in its head, and a chunk of two bytes."""
    head = [b"POST / HTTP/" + version, *([host] if host else []), b"connection: close", *lines]
    return b"\r\n".join(head) + b"\r\n\r\n2\r\nab\r\n0\r\n\r\n"


CHUNKED = b"transfer-encoding: chunked"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(CHUNKED), 200),
        (request(b"Transfer-Encoding: \tChunked "), 200),
        (request(CHUNKED, host=b"Host: [::1]:8080"), 200),
        (request(CHUNKED, host=b"host:"), 200),
        (request(b"content-length: 12", b"expect: 100-Continue"), 200),
        (request(b"content-length: 12", version=b"1.0", host=None), 200),
        (request(CHUNKED, host=None), 400),
        (request(CHUNKED, b"host: a"), 400),
        (request(CHUNKED, b"Host: b"), 400),
        (request(b"content-length: 12", b"host: b", version=b"1.0"), 400),
        (request(CHUNKED, host=b"host: a/b"), 400),
        (request(CHUNKED, host=b"host: a b"), 400),
        (request(CHUNKED, host=b"host: me@a"), 400),
        (request(CHUNKED, host=b"host: a, b"), 400),
        (request(CHUNKED, version=b"2.0"), 505),
        (request(CHUNKED, version=b"0.9"), 505),
        (request(CHUNKED, version=b"1.2"), 400),
        (request(CHUNKED, version=b"1.0"), 400),
        (request(CHUNKED, version=b"1.0", host=None), 400),
        (request(b"transfer-encoding: identity, chunked"), 400),
        (request(b"transfer-encoding: chunked, identity"), 400),
        (request(b"transfer-encoding: chunked, chunked"), 400),
        (request(b"transfer-encoding: gzip, chunked"), 501),
        (request(b"transfer-encoding: identity", b"content-length: 12"), 400),
        (request(b"transfer-encoding: xchunked"), 501),
        (request(b"transfer-encoding: \x0bchunked"), 400),
        (request(b"transfer-encoding : chunked"), 400),
        (request(b"transfer-encoding:"), 400),
        (request(CHUNKED, CHUNKED), 400),
        (request(CHUNKED, b"content-length: 12"), 400),
        (request(b"content-length: 12", CHUNKED), 400),
        (request(b"content-length: 12", b"content-length: 12"), 400),
        (request(b"content-length: 12, 12"), 400),
        (request(b"content-length: +12"), 400),
        (request(b"content-length: 0x0c"), 400),
        (request(CHUNKED, b"expect: 200-ok"), 417),
        (request(CHUNKED, b"expect: 100-continue", b"expect: more"), 417),
        (request(CHUNKED, b"x: a\r\n folded"), 400),
        (request(CHUNKED, b"x: a\0b"), 400),
        (request(CHUNKED).replace(b"\r\n", b"\n"), 400),
    ],
)
async def test_what_two_readers_could_read_differently_is_refused(sent: bytes, status: int) -> None:
    """Framing, Host, version and expectations leave no choice to whoever stands in front."""
    async with serving() as port:
        answer = await exchange(port, sent)
    answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "sent",
    [
        request(CHUNKED, b"x: " + b"y" * 70_000),
        request(CHUNKED, *[b"x: y"] * 7_000),
        request(CHUNKED).replace(b" / ", b" /" + b"y" * 70_000 + b" "),
    ],
)
async def test_a_large_head_in_one_piece_is_refused(sent: bytes) -> None:
    """The limit holds however the head arrives."""
    async with serving() as port:
        assert (await exchange(port, sent)).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    ("sent", "status", "kind"),
    [
        (b"no HTTP at all\r\n\r\n", 400, "bad-request"),
        (
            b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"x" * 40_000,
            431,
            "request-header-fields-too-large",
        ),
        (b"GET / HTTP/1.1\r\nhost: a\r\nexpect: more\r\n\r\n", 417, "expectation-failed"),
    ],
)
async def test_a_refusal_has_a_problem_body(sent: bytes, status: int, kind: str) -> None:
    """As every other error has; its length is announced, and the connection ends."""
    async with serving() as port:
        head, _, body = (await exchange(port, sent)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in head
    assert b"content-length: %d" % len(body) in head
    problem = json.loads(body)
    assert (problem["type"], problem["status"]) == (f"/problems/{kind}", status)


async def test_trailers_are_no_part_of_the_head() -> None:
    """A key or an address behind the body counts for nothing; the next request is read."""
    seen: list[list[bytes]] = []

    async def listing(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)
        seen.append([name for name, _ in scope["headers"]])

    trailers = b"0\r\nx-api-key: k\r\nX-Forwarded-For: 1.2.3.4\r\nhost: b\r\n\r\n"
    first = request(CHUNKED, b"trailer: x-api-key").replace(b"connection: close", b"x: y")
    async with serving(of=listing) as port:
        answer = await exchange(port, first.replace(b"0\r\n\r\n", trailers), request(CHUNKED))
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert seen == [
        [b"host", b"x", b"transfer-encoding", b"trailer"],
        [b"host", b"connection", b"transfer-encoding"],
    ]


@pytest.mark.parametrize("endless", [b"x: yyyyyyyy\r\n" * 800, b"y" * 9_600])
async def test_endless_trailers_are_cut(endless: bytes) -> None:
    """What is no part of the body is bounded too: trailers, and extensions of chunks."""
    end = b"0\r\n" if endless.startswith(b"x") else b"2;"
    sent = request(CHUNKED).replace(b"2\r\nab\r\n0\r\n\r\n", end)
    async with serving() as port:
        began = time.monotonic()
        answer = await exchange(port, sent, *[endless] * 20, pause=0.01)
        assert time.monotonic() - began < 5
    assert b" 200 " not in answer


async def test_a_taken_port_names_the_address() -> None:
    """A port that another server listens on is refused with the address in the text."""
    async with serving() as port:
        with pytest.raises(OSError, match=rf"127\.0\.0\.1:{port}"):
            HttpServer(app, "127.0.0.1", port).bind()


async def test_waiting_connections_make_room() -> None:
    """With as many connections as there may be, the one that has waited longest without a request
    gives its place to a new one; a request that is under way does not."""
    gate = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/slow":
            await gate.wait()
        await app(scope, receive, send)

    async with serving(of=slow, connections=3) as port:
        busy = asyncio.create_task(
            exchange(port, b"GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        )
        await asyncio.sleep(0.05)
        first = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.05)
        second = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.05)
        got = await exchange(port, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert got.startswith(b"HTTP/1.1 200")
        assert b"503" in await asyncio.wait_for(first[0].read(), 5)
        second[1].write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert (await asyncio.wait_for(second[0].read(), 5)).startswith(b"HTTP/1.1 200")
        gate.set()
        assert (await busy).startswith(b"HTTP/1.1 200")
        for one in (first, second):
            one[1].close()


async def test_when_all_are_busy_a_new_one_is_refused() -> None:
    """Every connection has a request under way: the next is told to come again, none is cut."""
    gate = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await gate.wait()
        await app(scope, receive, send)

    request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    async with serving(of=slow, connections=2) as port:
        busy = [asyncio.create_task(exchange(port, request)) for _ in range(2)]
        await asyncio.sleep(0.1)
        assert (await exchange(port)).startswith(b"HTTP/1.1 503")
        gate.set()
        assert all(one.startswith(b"HTTP/1.1 200") for one in await asyncio.gather(*busy))
