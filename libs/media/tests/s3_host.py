"""A host that speaks as much of S3 as objects by name need: put, get, delete (one, or many
by one request), list by pages.

Requests without a signature of the key that it knows are refused, as S3 does.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

KEY = "AKIAOFTHETEST"
_PAGE = 2  # objects a page of a list: there is always a next one to ask for
_HEAD = b"\r\n\r\n"


@dataclass
class S3Host:
    """`objects` by bucket and name. `broken`: it answers 500 to everything."""

    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: bool = False
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it ends."""
        try:
            while True:
                head = (await reader.readuntil(_HEAD)).decode()
                size = re.search(r"(?im)^content-length: *(\d+)", head)
                body = await reader.readexactly(int(size[1])) if size else b""
                method, target = head.split(" ")[:2]
                self.asked.append(method)
                status, content, more = self._answer(method, target, head, body)
                said = f"HTTP/1.1 {status} X\r\ncontent-length: {len(content)}\r\n{more}\r\n"
                writer.write(said.encode() + content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, method: str, target: str, head: str, body: bytes) -> tuple[int, bytes, str]:
        if self.broken:
            return 500, b"", ""
        if f"Credential={KEY}/" not in head:
            return 403, b"<Error><Code>AccessDenied</Code></Error>", ""
        parts = urlsplit(target)
        name = unquote(parts.path).lstrip("/")
        stamped = 'etag: "e"\r\nlast-modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n'
        if method == "GET" and "list-type=2" in parts.query:
            return 200, self._listed(name.rstrip("/"), parse_qs(parts.query)), ""
        if method == "POST" and parts.query == "delete":
            return 200, self._deleted(name.rstrip("/"), body), ""
        if method == "PUT":
            self.objects[name] = body
            return 200, b"", stamped
        if method == "DELETE":
            self.objects.pop(name, None)
            return 204, b"", ""
        if name not in self.objects:
            return 404, b"<Error><Code>NoSuchKey</Code></Error>", ""
        return 200, self.objects[name], stamped

    def _deleted(self, bucket: str, body: bytes) -> bytes:
        """Those that are not there too, as S3 does."""
        names = [unescape(one) for one in re.findall(r"<Key>(.*?)</Key>", body.decode())]
        for name in names:
            self.objects.pop(f"{bucket}/{name}", None)
        told = "".join(f"<Deleted><Key>{escape(one)}</Key></Deleted>" for one in names)
        return f"<DeleteResult>{told}</DeleteResult>".encode()

    def _listed(self, bucket: str, query: dict[str, list[str]]) -> bytes:
        prefix = query.get("prefix", [""])[0]
        since = query.get("continuation-token", [""])[0]
        names = sorted(
            one.removeprefix(f"{bucket}/")
            for one in self.objects
            if one.startswith(f"{bucket}/{prefix}")
        )
        left = [one for one in names if one > since]
        page, more = left[:_PAGE], len(left) > _PAGE
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        found = "".join(
            f"<Contents><Key>{escape(one)}</Key><Size>1</Size>"
            "<LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>e</ETag></Contents>"
            for one in page
        )
        truncated = str(more).lower()
        return (
            f"<ListBucketResult><Name>{bucket}</Name><IsTruncated>{truncated}</IsTruncated>"
            f"{token}{found}</ListBucketResult>"
        ).encode()


@asynccontextmanager
async def s3_host() -> AsyncIterator[S3Host]:
    """A host on loopback."""
    host = S3Host()
    writers: set[asyncio.StreamWriter] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        await host.serve(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()
