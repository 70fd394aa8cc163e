"""What no delivery can do without, and nothing else: one RSA-2048 signature and one POST on a kept
connection, many at a time, in one thread.

Guarantees: the body and the headers are as long as a webhook's; the answer is parsed. Must not:
queue, record, retry or guard.
"""

from __future__ import annotations

import asyncio
import base64
import os
import time
from urllib.parse import urlsplit

import uvloop

from coop_runtime.egress.connection import HttpConnection, encode_request
from coop_runtime.secret.signing import new_rsa_key, sign_rsa_sha256

_CONNECTIONS = 16
_BODY = b'{"item":{"id":"%032x"},"custom":{},"padding":"' + b"x" * 300 + b'"}'


def cost(origin: str, count: int) -> float:
    """Seconds of this process's CPU for each of `count`."""
    private, _ = new_rsa_key()
    sign_rsa_sha256(private, b"")  # reads the key
    return uvloop.run(_deliver(origin, private, count))


async def _deliver(origin: str, private: str, count: int) -> float:
    at = urlsplit(origin)
    loop = asyncio.get_running_loop()
    left = iter(range(count))
    other = base64.b64encode(os.urandom(32))

    async def carry(connection: HttpConnection) -> None:
        for number in left:
            body = _BODY % number
            headers = [
                (b"host", at.netloc.encode()),
                (b"content-type", b"application/json"),
                (b"coop-signature", sign_rsa_sha256(private, body).encode()),
                (b"webhook-id", b"%036d" % number),
                (b"webhook-timestamp", b"1700000000"),
                (b"webhook-signature", b"v1," + other),
            ]
            data = encode_request("POST", b"/honest/bare", headers, body)
            await connection.send(data, head_only=False, keep=True)
            while await connection.read() is not None:
                pass

    connections = [
        (await loop.create_connection(HttpConnection, at.hostname or "", at.port or 80))[1]
        for _ in range(_CONNECTIONS)
    ]
    began = time.process_time()
    await asyncio.gather(*map(carry, connections))
    used = time.process_time() - began
    for connection in connections:
        connection.close()
    return used / count
