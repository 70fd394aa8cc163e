"""Which organisation an API key speaks for.

Guarantees: only hashes are held; a revoked, expired or deleted key stops working as soon as the
change is in the configuration table. Looking a SHA-256 up in a dictionary gives nothing away
through its timing: a caller cannot steer the hash of a guess.
Must not: log a key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

from coop_contracts.config import ApiKey, Kind
from coop_runtime.config_table import ConfigChange

MAX_KEY = 512  # bytes; longer headers are not hashed


class Credentials:
    """The index from key hash to organisation; `apply` is a subscriber of the ConfigTable."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._by_hash: dict[str, dict[tuple[str, str], ApiKey]] = {}
        self._hash_of: dict[tuple[str, str], str] = {}

    def apply(self, change: ConfigChange) -> None:
        """Take in a change of an API key; ignores other kinds."""
        if change.kind is not Kind.API_KEY:
            return
        identity = (change.org_id, change.id)
        old = self._hash_of.pop(identity, None)
        if old is not None:
            holders = self._by_hash[old]
            del holders[identity]
            if not holders:
                del self._by_hash[old]
        if isinstance(change.document, ApiKey):
            key_hash = change.document.key_hash.lower()
            self._hash_of[identity] = key_hash
            self._by_hash.setdefault(key_hash, {})[identity] = change.document

    def org_of(self, key: bytes) -> str | None:
        """The organisation's id, or None when the key is none that is valid now."""
        if not key or len(key) > MAX_KEY:
            return None
        holders = self._by_hash.get(hashlib.sha256(key).hexdigest())
        if holders is None:
            return None
        orgs = {
            org_id for (org_id, _), document in holders.items() if _is_valid(document, self._now())
        }
        # One key of two organisations would say nothing about who is calling.
        return orgs.pop() if len(orgs) == 1 else None


def _is_valid(key: ApiKey, now: datetime) -> bool:
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)
