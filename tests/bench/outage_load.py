"""What the benchmark of outages stands between services and what they ask: ways that can be cut,
a Hasher-Matcher-Actioner, a platform. All of loopback, in a thread of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

Mode = Literal["well", "refuses", "hangs"]
_PIECE = 65536
_GONE = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, OSError)


class Way:
    """Carries connections on to a port: `well`; or cuts them, those that are there and new ones
    (`refuses`); or says nothing any more (`hangs`)."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open: set[asyncio.StreamWriter] = set()
        self._well = asyncio.Event()
        self._well.set()
        self.mode: Mode = "well"

    def turn(self, mode: Mode) -> None:
        """From now on so; in the loop that serves."""
        self.mode = mode
        if mode == "well":
            self._well.set()
        else:
            self._well.clear()
        for writer in list(self._open):
            # What hung was lost with its connection too, once it is well again.
            if mode != "hangs":
                writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "refuses":
            writer.transport.abort()
            return
        self._open.add(writer)
        ours = None
        with contextlib.suppress(*_GONE):
            await self._well.wait()
            theirs, ours = await asyncio.open_connection("127.0.0.1", self._target)
            self._open.add(ours)
            await asyncio.gather(self._carry(reader, ours), self._carry(theirs, writer))
        for one in filter(None, (writer, ours)):
            self._open.discard(one)
            one.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while part := await reader.read(_PIECE):
            await self._well.wait()
            writer.write(part)
            await writer.drain()
        raise ConnectionResetError


class Others:
    """Everybody who is asked: `files` of a platform by path; webhooks that came, by item, with
    when; HMA, whose banks all have `known` hashes."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.known: set[str] = set()
        self.arrived: dict[str, float] = {}
        self.times: Counter[str] = Counter()
        self._banks: dict[str, float] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(*_GONE):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, target, _ = head.split(" ", 2)
                names = [line.partition(": ") for line in head.lower().split("\r\n")]
                length = next((int(v) for name, _, v in names if name == "content-length"), 0)
                body = await reader.readexactly(length)
                kind, content = self._answer(method, target, body)
                told = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n"
                writer.write(f"{told}content-length: {len(content)}\r\n\r\n".encode() + content)
                await writer.drain()
        writer.close()

    def _answer(self, method: str, target: str, body: bytes) -> tuple[str, bytes]:
        parts = urlsplit(target)
        if parts.path in self.files:
            return "image/png", self.files[parts.path]
        if parts.path == "/webhook":
            item = str(json.loads(body)["item"]["id"])
            self.arrived.setdefault(item, time.perf_counter())
            self.times[item] += 1
            return "application/json", b"{}"
        if parts.path == "/status":
            return "text/plain", b"I-AM-ALIVE"
        return "application/json", json.dumps(self._hma(method, parts, body)).encode()

    def _hma(self, method: str, parts: SplitResult, body: bytes) -> object:
        path, query = parts.path, parts.query
        if path == "/m/lookup":
            asked = {name: values[0] for name, values in parse_qs(query).items()}
            found = [{"bank_content_id": 1, "distance": "0"}]
            hit = asked["signal_type"] == "pdq" and asked["signal"] in self.known
            return dict.fromkeys(asked["banks"].split(","), found) if hit else {}
        if path == "/c/banks" and method == "GET":
            return [{"name": n, "matching_enabled_ratio": r} for n, r in self._banks.items()]
        if path == "/c/banks":
            made = json.loads(body)
            self._banks[made["name"]] = made["enabled_ratio"]
        return {}


class Serving(threading.Thread):
    """A loop that serves beside the one that measures."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.loop = asyncio.new_event_loop()

    def run(self) -> None:
        self.loop.run_forever()

    def listen(self, served: Way | Others) -> int:
        """Its port."""

        async def start() -> int:
            server = await asyncio.start_server(served.serve, "127.0.0.1", 0, backlog=1024)
            return int(server.sockets[0].getsockname()[1])

        return asyncio.run_coroutine_threadsafe(start(), self.loop).result(10)

    def turn(self, way: Way, mode: Mode) -> None:
        """From now on so."""

        async def do() -> None:
            way.turn(mode)

        asyncio.run_coroutine_threadsafe(do(), self.loop).result(10)

    def end(self) -> None:
        """With all that it serves."""

        async def stop() -> None:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.join(10)


@contextlib.contextmanager
def serving() -> Iterator[Serving]:
    """Started; ended afterwards."""
    made = Serving()
    made.start()
    try:
        yield made
    finally:
        made.end()
