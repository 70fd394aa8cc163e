"""A load generator for one HTTP route: keeps N connections busy for a while and counts answers.

    python -m tests.bench.http_load URL PATH SECONDS CONNECTIONS API_KEY ITEM_TYPE ITEMS

Runs in a process of its own, so that it takes its own core; requests are rendered beforehand, so
that little of what is measured is the generator. Prints one JSON object. Loopback only.
"""

from __future__ import annotations

import asyncio
import json
import random
import string
import sys
import time
from functools import partial
from typing import cast
from urllib.parse import urlsplit

import uvloop

_DISTINCT = 2_000


def _text(random_source: random.Random, length: int) -> str:
    letters = string.ascii_lowercase + "     "
    return "".join(random_source.choices(letters, k=length))


def render(path: str, api_key: str, item_type: str, items: int) -> list[bytes]:
    """Requests with ids and texts never seen before; about 0.6 KB an item."""
    source = random.Random(time.time_ns())
    requests = []
    for number in range(max(64, _DISTINCT // items)):
        body = json.dumps(
            {
                "items": [
                    {
                        "id": f"bench-{source.getrandbits(48):x}-{number}-{position}",
                        "typeId": item_type,
                        "data": {
                            "text": _text(source, 400),
                            "author": {"id": f"user-{number % 97}", "typeId": item_type},
                            "created_at": "2026-03-01T12:00:00Z",
                            "likes": number,
                        },
                    }
                    for position in range(items)
                ]
            }
        ).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: {api_key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        requests.append(head + body)
    return requests


class _Connection(asyncio.Protocol):
    """Sends the next request when the answer of the last one is whole."""

    def __init__(self, requests: list[bytes], offset: int, counts: dict[str, int]) -> None:
        self._requests = requests
        self._next = offset
        self._counts = counts
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None
        self.stopped = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._send()

    def _send(self) -> None:
        if self._transport is None:
            return
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = 0
        for line in head.split(b"\r\n")[1:]:
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        status = head[9:12].decode()
        self._counts[status] = self._counts.get(status, 0) + 1
        if not self.stopped:
            self._send()
        elif self._transport is not None:
            self._transport.close()


def _same(protocol: _Connection) -> _Connection:
    return protocol


async def load(url: str, requests: list[bytes], seconds: float, connections: int) -> dict[str, int]:
    """Answers by status, of `seconds` of load."""
    parts = urlsplit(url)
    if parts.hostname not in ("127.0.0.1", "localhost"):
        raise ValueError("load is sent to this machine only")
    loop = asyncio.get_running_loop()
    counts: dict[str, int] = {}
    protocols = []
    for number in range(connections):
        protocol = _Connection(requests, number * len(requests) // connections, counts)
        await loop.create_connection(partial(_same, protocol), parts.hostname, parts.port or 80)
        protocols.append(protocol)
    await asyncio.sleep(seconds)
    done = dict(counts)
    for protocol in protocols:
        protocol.stopped = True
    await asyncio.sleep(0.3)
    return done


def main() -> None:
    url, path, seconds, connections, api_key, item_type, items = sys.argv[1:]
    requests = render(path, api_key, item_type, int(items))
    counts = uvloop.run(load(url, requests, float(seconds), int(connections)))
    sys.stdout.write(json.dumps({"seconds": float(seconds), "counts": counts}) + "\n")


if __name__ == "__main__":
    main()
