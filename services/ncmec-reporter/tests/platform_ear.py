"""A platform's preservation endpoint, which answers as it is told to, and notes what it took."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, NamedTuple

Answer = Literal[
    "ok", "500", "401", "redirect", "nonsense", "endless", "lost before", "lost after", "hangs",
    "hangs after",
]  # fmt: skip
_TOLD: dict[str, bytes] = {
    "ok": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    "500": b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n",
    "401": b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n",
    "redirect": b"HTTP/1.1 302 There\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    "nonsense": b"\x00\xff 200 OK\r\n\r\n" * 20,
}


class Heard(NamedTuple):
    """One request, and whether the platform did as it was told."""

    webhook_id: str
    body: bytes
    took: bool


class Ear:
    """`answers` in turn, then `ok`; `heard` what came."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.heard: list[Heard] = []
        self.url = ""
        self._hanging: list[asyncio.StreamWriter] = []

    def hang_up(self) -> None:
        """On those that wait."""
        for one in self._hanging:
            one.close()

    @property
    def took(self) -> list[str]:
        """Ids of what was done, as often as it was."""
        return [one.webhook_id for one in self.heard if one.took]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = [line.partition(": ") for line in head.split("\r\n")]
            told = {name.lower(): value for name, _, value in lines}
            body = await reader.readexactly(int(told["content-length"]))
            answer = self.answers.pop(0) if self.answers else "ok"
            took = answer in ("ok", "lost after", "hangs after")
            self.heard.append(Heard(told["webhook-id"], body, took))
            if answer.startswith("hangs"):
                self._hanging.append(writer)
                await reader.read()
            elif answer == "endless":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                while True:
                    writer.write(bytes(1 << 20))
                    await writer.drain()
            elif answer in _TOLD:
                writer.write(_TOLD[answer])
                await writer.drain()
        writer.close()


@asynccontextmanager
async def hearing() -> AsyncIterator[Ear]:
    """On loopback."""
    ear = Ear()
    server = await asyncio.start_server(ear.serve, "127.0.0.1", 0)
    ear.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/preserve"
    async with server:
        yield ear
