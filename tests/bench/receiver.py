"""A platform that receives webhooks, as a process: it answers as its path says and tells what came.

    POST /honest/…           200 at once
    POST /slow/<seconds>/…   200 after so many seconds
    POST /flapping/…         each id is refused with 500 once, then taken
    GET  /stats              what came, as JSON; /count only how much; /ids the webhook ids;
                             /reset forgets it

Guarantees: a webhook counts as taken when its 200 was written. Must not: be what a benchmark
measures: no framework, no parsing but of what is needed.

    python -m tests.bench.receiver PORT
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict

import uvloop

_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
_REFUSED = b"HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno"


class Ledger:
    """What came: taken ids with the time and the endpoint, repeats, and the order per item."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.taken: dict[bytes, tuple[bytes, float, float]] = {}
        self.repeats = 0
        self.refused: set[bytes] = set()
        self.order: dict[bytes, list[int]] = defaultdict(list)
        self.first = self.last = 0.0

    def take(self, webhook_id: bytes, path: bytes, body: bytes) -> None:
        """Notes a webhook that is answered with 200 now."""
        if webhook_id in self.taken:
            self.repeats += 1
            return
        now = time.time()
        self.first = self.first or now
        self.last = now
        custom = json.loads(body).get("custom", {})
        self.taken[webhook_id] = (path, now, float(custom.get("at", now)))
        if "item" in custom:
            self.order[custom["item"].encode()].append(int(custom["number"]))

    def stats(self) -> dict[str, object]:
        """Everything, as JSON takes it."""
        delays: dict[str, list[float]] = defaultdict(list)
        for path, now, at in self.taken.values():
            delays[path.decode()].append(round(now - at, 4))
        return {
            "taken": len(self.taken),
            "repeats": self.repeats,
            "seconds": self.last - self.first,
            "unordered": sum(1 for numbers in self.order.values() if numbers != sorted(numbers)),
            "delays": delays,
        }


class Receiver(asyncio.Protocol):
    """One connection."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            at = head.find(b"content-length: ")
            stop = head.find(b"\r\n", at)
            length = int(head[at + 16 : stop if stop >= 0 else None]) if at >= 0 else 0
            whole = end + 4 + length
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            self._handle(head, body)

    def _handle(self, head: bytes, body: bytes) -> None:
        method, path, _ = head[: head.find(b"\r\n")].split(b" ", 2)
        ledger = self._ledger
        if method == b"GET":
            content = b"{}"
            if path == b"/reset":
                ledger.reset()
            elif path == b"/count":
                content = b"%d" % len(ledger.taken)
            elif path == b"/ids":
                content = json.dumps([one.decode() for one in ledger.taken]).encode()
            elif path == b"/stats":
                content = json.dumps(ledger.stats()).encode()
            answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(content)
            self._write(answer + content)
            return
        at = head.index(b"webhook-id: ") + 12
        webhook_id = head[at : at + 36]
        if path.startswith(b"/slow/"):
            seconds = float(path.split(b"/")[2])
            asyncio.get_running_loop().call_later(seconds, self._take, webhook_id, path, body)
        elif path.startswith(b"/flapping/") and webhook_id not in ledger.refused:
            ledger.refused.add(webhook_id)
            self._write(_REFUSED)
        else:
            self._take(webhook_id, path, body)

    def _take(self, webhook_id: bytes, path: bytes, body: bytes) -> None:
        if not self._transport.is_closing():
            self._ledger.take(webhook_id, path, body)
            self._write(_OK)

    def _write(self, data: bytes) -> None:
        self._transport.write(data)  # type: ignore[attr-defined]  # a stream's transport


async def main(port: int) -> None:
    """Serves until killed."""
    ledger = Ledger()
    server = await asyncio.get_running_loop().create_server(
        lambda: Receiver(ledger), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
