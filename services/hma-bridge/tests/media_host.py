"""A platform's host of media, which misbehaves when told to, and pictures for it."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from PIL import Image


def png(seed: int, size: tuple[int, int] = (320, 240)) -> bytes:
    """A picture of blocks: harmless, and unlike that of any other number."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def jpeg(seed: int, quality: int = 60) -> bytes:
    """The same picture, smaller and saved anew: a near copy."""
    out = io.BytesIO()
    image = Image.open(io.BytesIO(png(seed))).resize((280, 210))
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def blank() -> bytes:
    """Nothing to see."""
    out = io.BytesIO()
    Image.new("RGB", (300, 200), "white").save(out, "PNG")
    return out.getvalue()


MP4 = b"\x00\x00\x00\x18ftypmp42" + bytes(2000)
"""What begins like a film: its MD5 is all that is asked for."""


class Host:
    """Serves `files` by path; `status` answers that instead; what is in `hangs` says nothing; of
    `endless` nothing but the first bytes, without a length, and then zeros until nobody reads them.
    `asked`: every path that was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.status: dict[str, int] = {}
        self.hangs: set[str] = set()
        self.endless: set[str] = set()
        self.asked: list[str] = []
        self.port = 0

    def put(self, path: str, content: bytes) -> str:
        """Its address."""
        self.files[path] = content
        return self.url(path)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                path = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1]
                self.asked.append(path)
                if path in self.hangs:
                    await asyncio.Event().wait()
                content = self.files.get(path, b"")
                if path in self.endless:
                    writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + content)
                    while True:
                        writer.write(bytes(65536))
                        await writer.drain()
                status = self.status.get(path, 200 if path in self.files else 404)
                head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(content)}\r\n\r\n"
                writer.write(head.encode() + content)
                await writer.drain()


@asynccontextmanager
async def hosting() -> AsyncIterator[Host]:
    """A host on loopback."""
    host = Host()
    tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks[task] = writer
        with contextlib.suppress(asyncio.CancelledError):
            await host.serve(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        server.close()
        for task, writer in tasks.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
