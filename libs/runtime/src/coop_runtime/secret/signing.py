"""Signatures of outgoing webhooks: RSA over the body, and Standard Webhooks.

Guarantees: `Coop-Signature` is base64 of RSASSA-PKCS1-v1_5 with SHA-256 over the raw body;
`webhook-signature` follows Standard Webhooks 1.0.0 (symmetric, `v1`), one signature per secret.
Must not: sign anything when a key is malformed: the error reaches the caller, nothing is sent.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence
from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SECRET_PREFIX = "whsec_"  # noqa: S105 - public, the format's own
_SECRET_BYTES = 32
_MIN_SECRET_BYTES, _MAX_SECRET_BYTES = 24, 64
_PADDING = padding.PKCS1v15()
_HASH = hashes.SHA256()


class SigningError(Exception):
    """A key or secret that cannot sign."""


# Parsing a PEM costs as much as signing; the cache is bounded and lives in this process only.
@lru_cache(maxsize=512)
def _private_key(pem: str) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SigningError("not a private key in PEM") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SigningError("not an RSA key")
    return key


@lru_cache(maxsize=2048)
def _secret(text: str) -> bytes:
    if not text.startswith(SECRET_PREFIX):
        raise SigningError(f"a webhook secret starts with {SECRET_PREFIX}")
    try:
        secret = base64.b64decode(text[len(SECRET_PREFIX) :], validate=True)
    except (binascii.Error, ValueError):
        raise SigningError("a webhook secret is base64") from None
    if not _MIN_SECRET_BYTES <= len(secret) <= _MAX_SECRET_BYTES:
        raise SigningError(f"a webhook secret has {_MIN_SECRET_BYTES} to {_MAX_SECRET_BYTES} bytes")
    return secret


def sign_rsa_sha256(private_pem: str, body: bytes) -> str:
    """The value of `Coop-Signature`. `private_pem` is PKCS#8. Raises SigningError. About 1 ms."""
    return base64.b64encode(_private_key(private_pem).sign(body, _PADDING, _HASH)).decode()


def sign_standard_webhook(
    secrets: Sequence[str], *, webhook_id: str, timestamp: int, body: bytes
) -> str:
    """The value of `webhook-signature`: one `v1,…` per secret, newest first, joined by spaces.

    `timestamp` is this attempt's, in whole Unix seconds. Raises SigningError.
    Source: https://github.com/standard-webhooks/standard-webhooks, specification 1.0.0.
    """
    if not secrets:
        raise SigningError("no webhook secret")
    if not webhook_id or "." in webhook_id or not webhook_id.isascii():
        raise SigningError("a webhook id is ASCII without full stops")
    content = b"%s.%d.%s" % (webhook_id.encode(), timestamp, body)
    signatures = []
    for text in secrets:
        digest = hmac.new(_secret(text), content, hashlib.sha256).digest()
        signatures.append("v1," + base64.b64encode(digest).decode())
    return " ".join(signatures)


def new_rsa_key() -> tuple[str, str]:
    """A new RSA-2048 pair as PEM: (PKCS#8 private, SubjectPublicKeyInfo public).

    Takes a fraction of a second of CPU: call it outside the event loop.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private.decode(), public_pem(key)


def public_pem(key: rsa.RSAPrivateKey) -> str:
    """The public half as PEM."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def new_webhook_secret() -> str:
    """A new secret for Standard Webhooks: `whsec_` and base64 of 32 random bytes."""
    return SECRET_PREFIX + base64.b64encode(os.urandom(_SECRET_BYTES)).decode()
