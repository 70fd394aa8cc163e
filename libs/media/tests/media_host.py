"""A platform's host of media, which misbehaves when told to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Behave = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


class Host:
    """Serves `files` by path (ranges too, unless `ranges` is off); what is in `behave` does what it
    says. `asked`: every path that was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.behave: dict[str, Behave] = {}
        self.asked: list[str] = []
        self.heads: list[str] = []
        self.ranges = True
        self.port = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                path = head.split(" ")[1]
                self.asked.append(path)
                self.heads.append(head)
                known = self.behave.get(path)
                if known is not None:
                    await known(head, writer)
                else:
                    self._file(path, head, writer)
                await writer.drain()
                if known is not None:
                    break
        writer.close()

    def _file(self, path: str, head: str, writer: asyncio.StreamWriter) -> None:
        content = self.files.get(path)
        if content is None:
            writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            return
        asked = next((x for x in head.lower().split("\r\n") if x.startswith("range: bytes=")), None)
        if asked is None or not self.ranges:
            # A lie about the type, always: nobody should believe it.
            said = f"content-type: text/plain\r\ncontent-length: {len(content)}"
            writer.write(f"HTTP/1.1 200 OK\r\n{said}\r\n\r\n".encode() + content)
            return
        first, _, last = asked.removeprefix("range: bytes=").partition("-")
        part = content[int(first) : int(last) + 1]
        said = f"content-range: bytes {first}-{int(first) + len(part) - 1}/{len(content)}"
        said += f"\r\ncontent-length: {len(part)}"
        writer.write(f"HTTP/1.1 206 Partial\r\n{said}\r\n\r\n".encode() + part)


@asynccontextmanager
async def hosting() -> AsyncIterator[Host]:
    """A host on loopback."""
    host = Host()
    open_: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_[task] = writer
        await host.serve(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        server.close()
        for writer in open_.values():
            writer.transport.abort()
        await asyncio.gather(*open_)
        await server.wait_closed()


def saying(answer: bytes) -> Behave:
    """Writes these bytes and hangs up."""

    async def behave(_head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return behave


async def hang(_head: str, writer: asyncio.StreamWriter) -> None:
    """Says nothing, until the connection is no more."""
    await writer.wait_closed()


async def drip(_head: str, writer: asyncio.StreamWriter) -> None:
    """Sends a picture, a byte at a time."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n\x89PNG\r\n\x1a\n")
    for _ in range(40):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


def flood(head: bytes, announced: int | None) -> Behave:
    """Sends this, then for ever."""

    async def behave(_head: str, writer: asyncio.StreamWriter) -> None:
        length = "" if announced is None else f"content-length: {announced}\r\n"
        writer.write(f"HTTP/1.1 200 OK\r\n{length}\r\n".encode() + head)
        for _ in range(4000):
            writer.write(b"x" * 65536)
            await writer.drain()

    return behave
