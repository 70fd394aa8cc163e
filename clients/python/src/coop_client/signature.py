"""Whether a request is Coop's: both signatures, over the bytes as they came.

    webhook-id, webhook-timestamp,   Standard Webhooks 1.0.0: HMAC-SHA256 over id, time and body,
    webhook-signature                one signature for each secret while secrets are changed
    Coop-Signature                   RSASSA-PKCS1-v1_5 with SHA-256 over the body, as Coop makes it

Guarantees: what is given out was signed with a key of ours a short while ago, and its id with it;
each header counts once, so that nobody in between reads another; only the algorithms above count,
whatever a header says. A signature is compared in constant time.
Must not: parse a body before its signatures verify; keep or tell a secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from coop_client.body import MAX_BODY

Headers = Mapping[str, str] | Iterable[tuple[str, str]]

TOLERANCE: Final = 300.0
"""Seconds between Coop's clock and the platform's, either way."""

_PREFIX: Final = "whsec_"
_MIN_SECRET, _MAX_SECRET = 24, 64  # bytes
_MIN_RSA: Final = 2048  # bits
_MOST_SIGNATURES: Final = 16

_STAMP = ("webhook-id", "webhook-timestamp", "webhook-signature")
_RSA = "coop-signature"
# No full stop, which parts what is signed; no comma, with which servers join repeated headers.
_ID = re.compile(r"[A-Za-z0-9_-]{1,256}")
_TIME = re.compile(r"[0-9]{1,12}")
_VERSIONED = re.compile(r"(v[0-9]+[a-z]*),([A-Za-z0-9+/]+={0,2})")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{1,2048}={0,2}")


class Refused(Exception):
    """The request is not to be trusted; `status` is the answer that it gets."""

    def __init__(self, reason: str, *, status: int = 401) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Keys:
    """What is shown in Coop's console: while keys are changed, the old and the new ones.

    `webhook_secrets` begin with `whsec_`; `public_keys` are PEM. Raises ValueError.
    """

    webhook_secrets: Sequence[str] = field(default=(), repr=False)
    public_keys: Sequence[str] = ()

    def __post_init__(self) -> None:
        for text in self.webhook_secrets:
            _secret(text)
        for pem in self.public_keys:
            _public_key(pem)


class Verified(NamedTuple):
    """A request of Coop's. `id` is the same on every attempt; None where `unstamped` let it in."""

    id: str | None
    sent_at: datetime | None
    body: bytes


class Verifier:
    """Verifies requests. `use` changes the keys while it runs.

    Both kinds of keys are to be given, and both signatures then have to verify. With secrets alone
    `Coop-Signature` is not looked at. `unstamped` also lets in requests without any `webhook-`
    header, on `Coop-Signature` alone, as Coop itself sends them: whoever saw one can send it again
    for ever, so it is for the time of a move.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        tolerance: float = TOLERANCE,
        max_body: int = MAX_BODY,
        unstamped: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._tolerance = tolerance
        self._max_body = max_body
        self._unstamped = unstamped
        self._now = now
        self.use(keys)

    def use(self, keys: Keys) -> None:
        """From now on these count, and no others. Raises ValueError."""
        if not keys.webhook_secrets and not (self._unstamped and keys.public_keys):
            raise ValueError("a webhook secret is needed: the public key alone signs no time")
        if self._unstamped and not keys.public_keys:
            raise ValueError("requests without a time are verified by the public key, and none is")
        secrets = tuple(_secret(text) for text in keys.webhook_secrets)
        public = tuple(_public_key(pem) for pem in keys.public_keys)
        self._keys = secrets, public

    def verify(self, headers: Headers, body: bytes) -> Verified:
        """The request, as one that Coop sent now. Raises Refused.

        `headers` as pairs, where the server has them so: then a repeated one is seen.
        """
        if len(body) > self._max_body:
            raise Refused(f"the body has more than {self._max_body} bytes", status=413)
        secrets, public = self._keys
        found = _signature_headers(headers)
        stamped = any(name in found for name in _STAMP)
        verified = Verified(None, None, body)
        if stamped or not self._unstamped:
            verified = self._stamped(found, body, secrets)
        if public:
            _check_rsa(found.get(_RSA), body, public)
        return verified

    def _stamped(self, found: Mapping[str, str], body: bytes, secrets: Sequence[bytes]) -> Verified:
        for name in _STAMP:
            if name not in found:
                raise Refused(f"{name} is missing")
        webhook_id, sent, signature = (found[name] for name in _STAMP)
        if not _ID.fullmatch(webhook_id):
            raise Refused("webhook-id is not one of Coop's")
        if not _TIME.fullmatch(sent):
            raise Refused("webhook-timestamp is no number of seconds")
        age = self._now() - int(sent)
        if age > self._tolerance:
            raise Refused("webhook-timestamp is too old")
        if age < -self._tolerance:
            raise Refused("webhook-timestamp is in the future")
        signed = b"%s.%s.%s" % (webhook_id.encode(), sent.encode(), body)
        given = _v1(signature)
        if not any(
            hmac.compare_digest(hmac.digest(secret, signed, hashlib.sha256), one)
            for secret in secrets
            for one in given
        ):
            raise Refused("webhook-signature does not verify")
        return Verified(webhook_id, datetime.fromtimestamp(int(sent), UTC), body)


def _signature_headers(headers: Headers) -> dict[str, str]:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    found: dict[str, str] = {}
    for name, value in pairs:
        known = name.lower()
        if known != _RSA and known not in _STAMP:
            continue
        if known in found:
            raise Refused(f"{known} is there twice")
        found[known] = value
    return found


def _v1(signature: str) -> list[bytes]:
    """The signatures of version 1; those of versions that are not known here are passed over."""
    entries = signature.split(" ")
    if len(entries) > _MOST_SIGNATURES:
        raise Refused("webhook-signature has too many signatures")
    given = []
    for entry in entries:
        read = _VERSIONED.fullmatch(entry)
        if read is None:
            raise Refused("webhook-signature is malformed")
        if read[1] == "v1":
            given.append(_decoded(read[2], "webhook-signature"))
    return given


def _check_rsa(signature: str | None, body: bytes, keys: Sequence[rsa.RSAPublicKey]) -> None:
    if signature is None:
        raise Refused("Coop-Signature is missing")
    if not _BASE64.fullmatch(signature):
        raise Refused("Coop-Signature is malformed")
    given = _decoded(signature, "Coop-Signature")
    for key in keys:
        try:
            key.verify(given, body, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            continue
        return
    raise Refused("Coop-Signature does not verify")


def _decoded(text: str, header: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise Refused(f"{header} is malformed") from None


def _secret(text: str) -> bytes:
    # An error never has the text: it is a secret.
    if not text.startswith(_PREFIX):
        raise ValueError(f"a webhook secret begins with {_PREFIX}")
    try:
        secret = base64.b64decode(text[len(_PREFIX) :], validate=True)
    except ValueError:
        raise ValueError("a webhook secret is base64") from None
    if not _MIN_SECRET <= len(secret) <= _MAX_SECRET:
        raise ValueError(f"a webhook secret has {_MIN_SECRET} to {_MAX_SECRET} bytes")
    return secret


def _public_key(pem: str) -> rsa.RSAPublicKey:
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("a public key is PEM, as the console shows it") from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _MIN_RSA:
        raise ValueError(f"a public key is RSA, of {_MIN_RSA} bits at least")
    return key
