"""Tokens of links and challenges: random, shown once, kept as a hash.

Guarantees: 256 random bits, so that a fast hash is enough and an index look-up gives nothing away.
"""

from __future__ import annotations

import hashlib
import secrets

_BYTES = 32


def new_token() -> str:
    """32 random bytes, URL-safe."""
    return secrets.token_urlsafe(_BYTES)


def hash_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()
