"""Secrets at rest and on topics: AES-256-GCM under the operator's keys.

    v1.<key id, 8 hex>.<base64url of nonce (12 bytes), ciphertext, tag (16 bytes)>

Guarantees: a ciphertext opens only under the context it was made for (`org/kind/id`), so that it
cannot be moved to another document; keys rotate by putting a new one in front.
Must not: show a key or a plain text in an error, a log or a `repr`. Decision record 0004.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from coop_runtime.process.settings import RuntimeSettings, refuse

KEY_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D: random nonces are good for 2^32 messages a key
_VERSION = "v1"
_KEY_ID = 8


class SecretError(Exception):
    """A ciphertext that cannot be opened: unknown key, another context, or altered."""


class Vault:
    """Encrypts under the newest key, decrypts under any it holds."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys` are 32 bytes each, newest first. Raises ValueError for any other length."""
        if not keys:
            raise ValueError("a vault needs at least one key")
        if any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a key is {KEY_BYTES} bytes")
        self._newest = _key_id(keys[0])
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}
        # Keys of their own, so that what is authenticated can never be taken for a ciphertext.
        self._mac_keys = {_key_id(key): hmac.digest(key, b"coop mac", "sha256") for key in keys}

    @classmethod
    def of(cls, settings: RuntimeSettings) -> Self:
        """The vault of `COOP_SECRET_KEYS`; ends the process when that is missing or malformed."""
        settings.require("secret_keys")
        try:
            return cls(parse_keys(settings.secret_keys.get_secret_value()))
        except ValueError as error:
            refuse(f"settings: COOP_SECRET_KEYS: {error}")

    def encrypt(self, plain: str, *, context: str) -> str:
        """The ciphertext of `plain`, bound to `context` (`org/kind/id`)."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, plain.encode(), context.encode())
        return f"{_VERSION}.{self._newest}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def decrypt(self, ciphertext: str, *, context: str) -> str:
        """The plain text. Raises SecretError."""
        key_id, sealed = _parts(ciphertext)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SecretError(f"no key with the id {key_id}")
        try:
            plain = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode())
        except InvalidTag:
            raise SecretError(f"not made for {context!r}, or altered") from None
        return plain.decode()

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """`encrypt` for what is large and lies in a file: the key's id (8 bytes), the nonce, the
        ciphertext."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, plain, context.encode())
        return self._newest.encode() + nonce + sealed

    def unseal(self, sealed: bytes, *, context: str) -> bytes:
        """What was sealed in this context. Raises SecretError."""
        key_id, rest = sealed[:_KEY_ID].decode("ascii", "replace"), sealed[_KEY_ID:]
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SecretError("no key with the id of this file")
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError):
            raise SecretError(f"not made for {context!r}, or altered") from None

    def authenticate(self, said: str, *, context: str) -> str:
        """A code that only a holder of the key can make for `said` in this `context`."""
        return f"{_VERSION}.{self._newest}.{self._mac(self._newest, said, context)}"

    def authentic(self, said: str, code: str, *, context: str) -> bool:
        """Whether `authenticate` made the code. Raises SecretError for a key that is not there."""
        version, _, rest = code.partition(".")
        key_id, _, mac = rest.partition(".")
        if version != _VERSION:
            return False
        if key_id not in self._mac_keys:
            raise SecretError(f"no key with the id {key_id}")
        return hmac.compare_digest(self._mac(key_id, said, context).encode(), mac.encode())

    def _mac(self, key_id: str, said: str, context: str) -> str:
        bound = f"{len(context)}:{context}{said}".encode()
        return hmac.digest(self._mac_keys[key_id], bound, "sha256").hex()

    def is_stale(self, ciphertext: str) -> bool:
        """True when the ciphertext was not made under the newest key. Raises SecretError."""
        return _parts(ciphertext)[0] != self._newest

    def __repr__(self) -> str:
        return f"Vault(keys={list(self._ciphers)})"


def new_key() -> str:
    """A new key as base64, for `COOP_SECRET_KEYS`."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def parse_keys(text: str) -> list[bytes]:
    """The keys of a comma-separated list of base64. Raises ValueError, naming the position only."""
    keys = []
    for position, part in enumerate(text.split(","), start=1):
        try:
            key = base64.b64decode(part.strip(), validate=True)
        except binascii.Error:
            raise ValueError(f"key {position} is not base64") from None
        if len(key) != KEY_BYTES:
            raise ValueError(f"key {position} has {len(key)} bytes, not {KEY_BYTES}")
        keys.append(key)
    return keys


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"coop key id:" + key).hexdigest()[:8]


def _parts(ciphertext: str) -> tuple[str, bytes]:
    version, _, rest = ciphertext.partition(".")
    key_id, _, encoded = rest.partition(".")
    if version != _VERSION or not encoded:
        raise SecretError("not a ciphertext of this vault")
    try:
        sealed = base64.b64decode(encoded.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise SecretError("not a ciphertext of this vault") from None
    if len(sealed) < _NONCE_BYTES + 16:
        raise SecretError("not a ciphertext of this vault")
    return key_id, sealed
