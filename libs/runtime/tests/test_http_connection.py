"""The client's side of HTTP/1.1 against answers of every kind, over the egress client."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_runtime.egress.connection import encode_request
from coop_runtime.egress.guard import EgressGuard, EgressLimits
from coop_runtime.egress.transport import GuardedTransport


class Script:
    """A server that sends the next of its answers, in the pieces given, to each request."""

    def __init__(self, *answers: Sequence[bytes], close: bool = False) -> None:
        self.answers = list(answers)
        self.close = close
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while self.answers:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
                self.requests.append(head + await reader.readexactly(int(length or 0)))
                for piece in self.answers.pop(0):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.002)
                if self.close:
                    break
            else:
                await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def playing(script: Script, **limits: Any) -> AsyncIterator[httpx.AsyncClient]:
    tasks: list[asyncio.Task[None]] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        await script.serve(reader, writer)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    script.port = listener.sockets[0].getsockname()[1]
    guard = EgressGuard(["127.0.0.0/8"], limits=EgressLimits(**limits))
    async with guard.client(timeout=3, max_body=1_000_000) as client:
        client.base_url = httpx.URL(f"http://127.0.0.1:{script.port}")
        yield client
    listener.close()
    await asyncio.gather(*tasks)
    await listener.wait_closed()


OK = (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",)


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",), 200, b"ok"),
        ((b"HTTP/1.1 200 OK\r\ncontent-le", b"ngth: 4\r\n\r", b"\nab", b"cd"), 200, b"abcd"),
        (
            (b"HTTP/1.1 201 X\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", b"2\r\nde\r\n",
             b"0\r\n\r\n"),
            201,
            b"abcde",
        ),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), 204, b""),
        ((b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n",), 304, b""),
        (
            (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n",
             b"HTTP/1.1 202 Accepted\r\ncontent-length: 1\r\n\r\nx"),
            202,
            b"x",
        ),
        ((b"HTTP/1.1 500 \r\ncontent-length: 0\r\n\r\n",), 500, b""),
    ],
)  # fmt: skip
async def test_answers_are_read_and_the_connection_kept(
    answer: Sequence[bytes], status: int, body: bytes
) -> None:
    """However it is framed and cut, the answer is whole, and the next one uses the connection."""
    script = Script(answer, OK)
    async with playing(script) as client:
        first = await client.post("/a?b=c", content=b"hello")
        assert (first.status_code, first.content) == (status, body)
        assert (await client.post("/", content=b"")).text == "ok"
    assert script.connections == 1
    assert script.requests[0].startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert script.requests[0].endswith(b"content-length: 5\r\n\r\nhello")


@pytest.mark.parametrize(
    "answer",
    [
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",),
    ],
)
async def test_a_connection_that_is_not_kept_is_not_used_again(answer: Sequence[bytes]) -> None:
    """What the other side does not keep is closed, and the next exchange opens another."""
    script = Script(answer, OK)
    async with playing(script) as client:
        assert (await client.get("/")).text == "ok"
        assert (await client.get("/")).text == "ok"
    assert script.connections == 2


async def test_a_body_that_ends_with_the_connection_is_whole() -> None:
    """An answer without a length ends with its connection."""
    async with playing(Script((b"HTTP/1.1 200 OK\r\n\r\nab", b"cd"), close=True)) as client:
        assert (await client.get("/")).content == b"abcd"


async def test_an_answer_to_head_has_no_body() -> None:
    """A length announced to HEAD announces no body."""
    async with playing(Script((b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n",))) as client:
        answer = await client.head("/")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "answer",
    [
        (b"nonsense\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort",),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc",),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\nabc\r\n",),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",),
        (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",),
        (b"HTTP/1.1 100 Continue\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nx: ", *[b"y" * 30_000] * 4),
        (*[b"HTTP/1.1 100 Continue\r\nx: " + b"y" * 20_000 + b"\r\n\r\n"] * 5,),
        (b"",),
    ],
)
async def test_a_broken_answer_is_an_error(answer: Sequence[bytes]) -> None:
    """Malformed, ambiguous, endless or cut: an error, never a short or guessed body."""
    async with playing(Script(answer, close=True)) as client:
        with pytest.raises(httpx.TransportError):
            await client.post("/", content=b"x")


async def test_a_second_answer_to_one_request_is_never_used() -> None:
    """Bytes beyond the answer close the connection: they must not answer the next request."""
    poison = OK[0] + b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison"
    script = Script((poison,), OK)
    async with playing(script) as client:
        with contextlib.suppress(httpx.TransportError):
            assert (await client.get("/")).text == "ok"
        assert (await client.get("/")).text == "ok"
    assert script.connections == 2


async def test_a_late_second_answer_is_never_used() -> None:
    """The same when the bytes come while the connection is idle."""
    script = Script((OK[0], b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison"), OK)
    async with playing(script) as client:
        assert (await client.get("/")).text == "ok"
        await asyncio.sleep(0.05)
        assert (await client.get("/")).text == "ok"
    assert script.connections == 2


async def test_an_unread_body_does_not_go_to_the_next_exchange() -> None:
    """A caller who stops reading gives up the connection."""
    script = Script((b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nabc",), OK)
    async with playing(script) as client:
        async with client.stream("GET", "/") as answer:
            assert answer.status_code == 200
        assert (await client.get("/")).text == "ok"
    assert script.connections == 2


async def test_a_cancelled_exchange_gives_its_place_back() -> None:
    """Exchanges cut off in the middle do not use up the places of later ones."""
    script = Script((b"HTTP/1.1 200 OK\r\n",), (b"HTTP/1.1 200 OK\r\n",), OK)
    async with playing(script, exchanges=1) as client:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.get("/"), 0.1)
        assert (await client.get("/")).text == "ok"


async def test_idle_connections_are_bounded_and_expire() -> None:
    """No more than the limit is kept, and none longer than its time."""
    script = Script(*[OK] * 20)
    async with playing(script, kept=2, keep_alive=0.1) as client:
        transport = client._transport
        assert isinstance(transport, GuardedTransport)
        await asyncio.gather(*(client.get("/") for _ in range(6)))
        assert 1 <= len(transport._idle) <= 2
        async with asyncio.timeout(5):
            while transport._idle:  # noqa: ASYNC110 - a timer ends it
                await asyncio.sleep(0.01)
        assert not transport._idle_of


async def test_a_body_in_pieces_is_sent_with_its_length() -> None:
    """A body given as an iterator is sent whole, with a length and without chunks."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"cd"

    script = Script(OK)
    async with playing(script) as client:
        await client.post("/", content=pieces())
    assert script.requests[0].endswith(b"content-length: 4\r\n\r\nabcd")
    assert b"chunked" not in script.requests[0]


@pytest.mark.parametrize(
    "header",
    [("x", "a\r\nevil: 1"), ("x", "a\nb"), ("x", "a\0b"), ("x\r\ny", "a"), ("x y", "a"), ("", "a")],
)
async def test_a_header_cannot_break_its_line(header: tuple[str, str]) -> None:
    """A customer's own headers cannot add a header or a second request."""
    async with playing(Script(OK)) as client:
        with pytest.raises(httpx.LocalProtocolError):
            await client.post("/", headers=[header], content=b"")


async def test_a_given_length_does_not_count() -> None:
    """The length and framing are the connection's own; a customer's header cannot set them."""
    script = Script(OK)
    async with playing(script) as client:
        headers = {"content-length": "99", "transfer-encoding": "chunked"}
        await client.post("/", content=b"abc", headers=headers)
    assert script.requests[0].lower().count(b"content-length") == 1
    assert b"content-length: 3\r\n" in script.requests[0]
    assert b"transfer-encoding" not in script.requests[0].lower()


@given(st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=20)), max_size=5))
def test_a_request_has_the_lines_it_should(headers: list[tuple[bytes, bytes]]) -> None:
    """Whatever the headers hold, the request has one line each, or is refused."""
    try:
        data = encode_request("POST", b"/", headers, b"")
    except httpx.LocalProtocolError:
        return
    kept = [n for n, _ in headers if n.lower() not in (b"content-length", b"transfer-encoding")]
    assert data.count(b"\r\n") == data.count(b"\n") == 3 + len(kept)
    assert data.count(b"\r") == data.count(b"\n")
