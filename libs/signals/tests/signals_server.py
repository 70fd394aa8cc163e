"""A local server that speaks what the providers speak, hosts media, and misbehaves when told to."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
MP4 = b"\x00\x00\x00\x18ftypisom" + b"\x00" * 64

CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


@dataclass
class Hit:
    """One request that came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Behave = Callable[[Hit, asyncio.StreamWriter], Awaitable[None]]


async def answer(
    writer: asyncio.StreamWriter,
    body: bytes | Any = b"",
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> None:
    """Writes one whole answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + content)
    await writer.drain()


def status(code: int, **headers: str) -> Behave:
    """Answers each request with that status, and a body that repeats what it was sent."""

    async def behave(hit: Hit, writer: asyncio.StreamWriter) -> None:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        echo = (repr(hit.headers) + repr(hit.body[:200])).encode()
        await answer(writer, echo, status=code, headers=told)

    return behave


def body(content: bytes | Any) -> Behave:
    """Answers each request with 200 and that body."""

    async def behave(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        await answer(writer, content)

    return behave


async def hang(_hit: Hit, _writer: asyncio.StreamWriter) -> None:
    """Never answers."""
    await asyncio.Event().wait()


async def reset(_hit: Hit, writer: asyncio.StreamWriter) -> None:
    """Cuts the connection without an answer."""
    writer.transport.abort()


async def drip(_hit: Hit, writer: asyncio.StreamWriter) -> None:
    """Announces an answer and sends it a byte at a time, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)


async def flood(_hit: Hit, writer: asyncio.StreamWriter) -> None:
    """Sends an answer without an end, as fast as it is taken."""
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with contextlib.suppress(ConnectionError):
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()


@dataclass
class Internet:
    """`behave` by the beginning of a path; without one, each interface answers as documented."""

    behave: dict[str, Behave] = field(default_factory=dict)
    media: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    hits: list[Hit] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=lambda: {"violence": 0.7, "hate": 0.2})
    priority: str = "HIGH"
    label: Any = "1"
    confidence: float = 0.9
    transcript: str = "hello there"
    url: str = ""
    most_at_once: int = 0
    _at_once: int = 0
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def reached(self, count: int) -> None:
        """Waits until so many requests have come."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: len(self.hits) >= count)

    def of(self, path: str) -> list[Hit]:
        return [hit for hit in self.hits if hit.target.startswith(path)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            # Cancelled when the test ends: the streams would report that as a fault.
            with contextlib.suppress(
                asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError
            ):
                while not writer.is_closing():
                    hit = await _read(reader)
                    self.hits.append(hit)
                    async with self._news:
                        self._news.notify_all()
                    self._at_once += 1
                    self.most_at_once = max(self.most_at_once, self._at_once)
                    try:
                        await self._behaviour(hit)(hit, writer)
                    finally:
                        self._at_once -= 1
                    await writer.drain()
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    def _behaviour(self, hit: Hit) -> Behave:
        for path, behave in self.behave.items():
            if hit.target.startswith(path):
                return behave
        return self._documented

    async def _documented(self, hit: Hit, writer: asyncio.StreamWriter) -> None:
        match hit.target.partition("?")[0]:
            case "/v1/moderations":
                (part,) = hit.json["input"]
                assert hit.json["model"] == "omni-moderation-latest"
                assert part["type"] in ("text", "image_url")
                await answer(writer, self.moderation(part["type"]))
            case "/v1/audio/transcriptions":
                assert hit.headers["content-type"].startswith("multipart/form-data; boundary=")
                assert b'name="model"\r\n\r\nwhisper-1\r\n' in hit.body
                await answer(writer, {"text": self.transcript})
            case "/v1/chat/completions":
                system, user = hit.json["messages"]
                assert (system["role"], user["role"]) == ("system", "user")
                assert hit.json["response_format"]["json_schema"]["strict"] is True
                asked = json.loads(user["content"])
                said = {"language": "pt", "text": f"{asked['text']} in {asked['to']}"}
                message = {"role": "assistant", "content": json.dumps(said)}
                await answer(writer, {"choices": [{"index": 0, "message": message}]})
            case "/v1beta1/images:classify":
                (image,) = hit.json["images"]
                assert base64.b64decode(image, validate=True)
                await answer(writer, {"reviewPriorities": [self.priority], "modelVersion": "1"})
            case "/v1/label":
                assert hit.json.keys() == {"content_text", "labeler_version_id"}
                labelled = {"label": self.label, "confidence": self.confidence, "explanation": "x"}
                await answer(writer, labelled)
            case path if path in self.media:
                content, media_type = self.media[path]
                await answer(writer, content, headers={"content-type": media_type})
            case _:
                await answer(writer, b"nothing here", status=404)

    def moderation(self, kind: str) -> dict[str, Any]:
        """An answer of the moderation endpoint, as its reference has it."""
        applied = "image" if kind == "image_url" else "text"
        scores = {name: self.scores.get(name, 0.01) for name in CATEGORIES}
        return {
            "id": "modr-1",
            "model": "omni-moderation-2024-09-26",
            "results": [
                {
                    "flagged": any(score > 0.5 for score in scores.values()),
                    "categories": {name: score > 0.5 for name, score in scores.items()},
                    "category_scores": scores,
                    "category_applied_input_types": {name: [applied] for name in CATEGORIES},
                }
            ],
        }


async def _read(reader: asyncio.StreamReader) -> Hit:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines if line)
    headers = {name.lower(): value for name, value in headers.items()}
    content = await reader.readexactly(int(headers.get("content-length", "0")))
    return Hit(method, target, headers, content)
