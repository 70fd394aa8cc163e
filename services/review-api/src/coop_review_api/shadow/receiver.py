"""The endpoint that hears Coop's webhooks, or copies of them.

    POST, any path ─▶ size ─▶ signature ─▶ what it says ─▶ on the disk ─▶ 200
                       413      401           400            503

Guarantees: 2xx only for what is on the disk, or is none of an action; a body is held up to its
limit and no further, so many at once as there are places; what is refused is told why, in one
sentence, and nothing of it is kept.
Must not: do what a webhook asks for; follow, fetch or send anything.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import signal
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from coop_review_api.kernel.clock import Clock
from coop_review_api.shadow.heard import UnreadableError, heard
from coop_review_api.shadow.logbook import Logbook, LogbookError
from coop_runtime.process.http_server import HttpServer, ServerLimits

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY: Final = 1024 * 1024
_PLACES: Final = 64
_READ_ON: Final = 8  # times the limit
_SIGNATURE: Final = b"coop-signature"
_LIMITS: Final = ServerLimits(connections=512, body_timeout=10.0)


class KeyFileError(Exception):
    """What was given is no public key of Coop's: a sentence."""


@dataclass(frozen=True)
class _Refusal(Exception):
    status: int
    reason: str


class Verifier:
    """Whether a body was signed with one of these keys (PEM). Raises `KeyFileError`."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [_public_key(pem) for pem in keys]
        if not self._keys:
            raise KeyFileError("there is no key with which signatures could be checked")

    def holds(self, signature: bytes, body: bytes) -> bool:
        """RSASSA-PKCS1-v1_5 with SHA-256 over the raw body, in base64."""
        try:
            given = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError):
            return False
        for key in self._keys:
            with suppress(InvalidSignature):
                key.verify(given, body, padding.PKCS1v15(), hashes.SHA256())
                return True
        return False


def _public_key(pem: str) -> rsa.RSAPublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError("a key is no public key in PEM") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise KeyFileError("a key is none of RSA")
    return key


class Receiver:
    """The application (ASGI)."""

    def __init__(
        self, logbook: Logbook, verifier: Verifier, *, clock: Clock, max_body: int = MAX_BODY
    ) -> None:
        self._logbook = logbook
        self._verifier = verifier
        self._clock = clock
        self._max_body = max_body
        self._places = asyncio.Semaphore(_PLACES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        try:
            if scope["method"] != "POST":
                raise _Refusal(405, "webhooks are POSTed")
            async with self._places:
                answer = await self._take(dict(scope["headers"]), receive)
            await _answer(send, 200, answer)
        except _Refusal as refusal:
            await _answer(send, refusal.status, {"error": refusal.reason})

    async def _take(self, headers: dict[bytes, bytes], receive: Receive) -> dict[str, Any]:
        signature = headers.get(_SIGNATURE)
        if signature is None:
            raise _Refusal(401, "there is no header Coop-Signature")
        body = await self._body(headers, receive)
        if not self._verifier.holds(signature, body):
            raise _Refusal(401, "the header Coop-Signature is none of this body by a key of ours")
        try:
            said = heard(body, at=self._clock())
        except UnreadableError as error:
            raise _Refusal(400, str(error)) from None
        if said == "OTHER":
            return {"kept": False, "reason": "is no action"}
        try:
            kept = await self._logbook.add(said)
        except LogbookError as error:
            raise _Refusal(503, str(error)) from None
        return {"kept": True} if kept else {"kept": False, "reason": "came a moment ago"}

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """The whole of it. What is too large is read on for a while and let go of, because who
        still sends does not hear why it was refused."""
        stated = headers.get(b"content-length", b"0")
        too_large = _Refusal(413, f"a body may have {self._max_body} bytes")
        if stated.isdigit() and int(stated) > self._max_body * _READ_ON:
            raise too_large
        body, length = bytearray(), 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Refusal(400, "the body ended early")
            length += len(message.get("body", b""))
            if length <= self._max_body:
                body += message.get("body", b"")
            elif length > self._max_body * _READ_ON:
                raise too_large
            if not message.get("more_body", False):
                break
        if length > self._max_body:
            raise too_large
        return bytes(body)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return


async def _answer(send: Send, status: int, body: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    if status == 405:
        headers.append((b"allow", b"POST"))
    elif status == 503:
        headers.append((b"retry-after", b"60"))
    if status >= 400:
        headers.append((b"connection", b"close"))  # what is left of the body is not waited for
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": msgspec.json.encode(body)})


async def serve(
    logbook: Logbook,
    application: Receiver,
    *,
    host: str,
    port: int,
    tell: Callable[[str], None],
) -> None:
    """Hear until SIGINT or SIGTERM. Raises `LogbookError`, `OSError` for a port that is taken."""
    server = HttpServer(application, host, port, limits=_LIMITS)
    server.bind()
    try:
        logbook.open()
    except LogbookError:
        server.close()
        raise
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop, 5.0)
    writing = loop.create_task(logbook.run())
    telling = loop.create_task(_told(server, host, tell))
    try:
        await server.run()
    finally:
        for task in (telling, writing):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        logbook.close()


async def _told(server: HttpServer, host: str, tell: Callable[[str], None]) -> None:
    while not server.started:  # noqa: ASYNC110 - the server has no event to wait for
        await asyncio.sleep(0.01)
    tell(f"listening on {host}:{server.port}")
