"""A small platform: receives the webhooks, verifies both signatures, keeps what it received.

    python -m coop_local platform

Guarantees: a request whose signatures do not verify is answered 401 and never counted as received;
a repeated `webhook-id` is answered 200 and counted as redelivered, as Standard Webhooks asks of a
receiver. What it received is kept in memory, for the report of the demonstration; the last of it is
shown at `/`, to people.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from standardwebhooks import Webhook, WebhookVerificationError

from coop_local.demo.media import media
from coop_local.demo.page import Shown, page
from coop_runtime.process.asgi import Receive, Scope, Send

_KEPT = 200_000  # deliveries remembered; about 100 MB at the most
_SHOWN = 100  # of them to people

_JSON = ((b"content-type", b"application/json"),)
_HTML = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
    (b"cache-control", b"no-store"),
)


class SeenDelivery(msgspec.Struct, rename="camel"):
    """One webhook as the platform saw it; `received_at` is Unix seconds of its first arrival."""

    webhook_id: str
    item_id: str
    item_type_id: str
    action_id: str
    received_at: float
    times: int = 1


class VerificationKeys(msgspec.Struct, rename="camel"):
    """What the platform's owner copied from the console: how to verify a webhook."""

    webhook_secrets: list[str]
    public_keys: list[str]


class Verifier:
    """Verifies both signatures of a webhook; either one missing or wrong is a refusal."""

    def __init__(self, keys: VerificationKeys) -> None:
        self._secrets = [Webhook(secret) for secret in keys.webhook_secrets]
        self._public = [_public_key(pem) for pem in keys.public_keys]

    def problem(self, body: bytes, headers: dict[str, str]) -> str | None:
        """Why the request cannot be trusted, or None."""
        if not any(_verifies(secret, body, headers) for secret in self._secrets):
            return "the Standard Webhooks signature does not verify"
        try:
            signature = base64.b64decode(headers.get("coop-signature", ""), validate=True)
        except ValueError:
            return "Coop-Signature is not base64"
        if not any(_signed(key, signature, body) for key in self._public):
            return "Coop-Signature does not verify"
        return None


def _public_key(pem: str) -> rsa.RSAPublicKey:
    key = serialization.load_pem_public_key(pem.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("the public key is not an RSA key")
    return key


def _verifies(secret: Webhook, body: bytes, headers: dict[str, str]) -> bool:
    try:
        secret.verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def _signed(key: rsa.RSAPublicKey, signature: bytes, body: bytes) -> bool:
    try:
        key.verify(signature, body, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


class Platform:
    """The ASGI application. `keys_file` is read again when it changes."""

    def __init__(self, keys_file: Path) -> None:
        self._keys_file = keys_file
        self._keys_read_at = 0.0
        self._verifier: Verifier | None = None
        self._received: OrderedDict[str, SeenDelivery] = OrderedDict()
        self._refused = 0
        self._shown: deque[Shown] = deque(maxlen=_SHOWN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        path, method = scope["path"], scope["method"]
        if method == "GET" and path == "/":
            await _answer(send, 200, self._page(), kind=_HTML)
            return
        if method in ("GET", "HEAD") and path.startswith("/media/"):
            await _show(send, path, head=method == "HEAD")
            return
        if method == "POST" and path.startswith("/webhooks"):
            status, answer = await self._webhook(scope, receive)
        elif method == "GET" and path == "/received":
            status, answer = 200, self._report(scope)
        elif method == "GET" and path == "/readyz":
            status, answer = 200, {"ready": True}
        else:
            status, answer = 404, {"error": f"nothing is at {path}"}
        await _answer(send, status, msgspec.json.encode(answer))

    async def _webhook(self, scope: Scope, receive: Receive) -> tuple[int, Any]:
        arrived = time.time()
        body = await _body(receive)
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        verifier = self._current_verifier()
        problem = verifier.problem(body, headers) if verifier else "the platform has no keys yet"
        if problem:
            self._refused += 1
            self._shown.appendleft(Shown(arrived, problem=problem))
            return 401, {"error": problem}
        webhook_id = headers["webhook-id"]
        known = self._received.get(webhook_id)
        if known:
            known.times += 1
            return 200, {"repeated": True}
        said: Any = msgspec.json.decode(body)
        self._shown.appendleft(Shown(arrived, said=said, webhook_id=webhook_id))
        if said.get("trial") is True:
            return 200, {"trial": True}
        self._received[webhook_id] = SeenDelivery(
            webhook_id=webhook_id,
            item_id=said["item"]["id"],
            item_type_id=said["item"]["typeId"],
            action_id=said["action"]["id"],
            received_at=arrived,
        )
        while len(self._received) > _KEPT:
            self._received.popitem(last=False)
        return 200, {"repeated": False}

    def _page(self) -> bytes:
        times = {one.webhook_id: self._received.get(one.webhook_id) for one in self._shown}
        repeated = {name: seen.times for name, seen in times.items() if seen and seen.times > 1}
        return page(
            list(self._shown), total=len(self._received), refused=self._refused, times=repeated
        ).encode()

    def _current_verifier(self) -> Verifier | None:
        try:
            changed = self._keys_file.stat().st_mtime
        except FileNotFoundError:
            return None
        if self._verifier is None or changed != self._keys_read_at:
            keys = msgspec.json.decode(self._keys_file.read_bytes(), type=VerificationKeys)
            self._verifier, self._keys_read_at = Verifier(keys), changed
        return self._verifier

    def _report(self, scope: Scope) -> Any:
        prefix = parse_qs(scope["query_string"].decode()).get("itemPrefix", [""])[0]
        return {
            "refused": self._refused,
            "total": len(self._received),
            "deliveries": [
                delivery
                for delivery in self._received.values()
                if prefix and delivery.item_id.startswith(prefix)
            ],
        }


async def _answer(
    send: Send, status: int, body: bytes, *, kind: Sequence[tuple[bytes, bytes]] = _JSON
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(kind)})
    await send({"type": "http.response.body", "body": body})


async def _show(send: Send, path: str, *, head: bool) -> None:
    found = await asyncio.to_thread(media, path)
    if found is None:
        await _answer(send, 404, b'{"error": "no such picture"}')
        return
    kind, body = found
    headers = ((b"content-type", kind.encode()), (b"content-length", b"%d" % len(body)))
    await _answer(send, 200, b"" if head else body, kind=headers)


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
