"""Which organisation an API key speaks for, and what it may be used for.

Guarantees: only hashes are held; a revoked, expired or deleted key stops working as soon as the
change is in the configuration table. Looking a SHA-256 up in a dictionary gives nothing away
through its timing: a caller cannot steer the hash of a guess.
Must not: log a key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from coop_contracts.config import ApiKey, ApiScope, Kind
from coop_runtime.kafka.config_table import ConfigChange
from coop_runtime.redis.key_use import KeyUse

MAX_KEY = 512  # bytes; longer headers are not hashed

_ALL = frozenset(ApiScope)


class ApiCaller(NamedTuple):
    """Who a valid key speaks for, and its scopes: a key without any has all of them."""

    org_id: str
    scopes: frozenset[ApiScope]


class _Holder(NamedTuple):
    """An API key's document, with the caller that it makes."""

    key: ApiKey
    caller: ApiCaller


class Credentials:
    """The index from key hash to caller; `apply` is a subscriber of the ConfigTable."""

    def __init__(self, now: Callable[[], datetime], use: KeyUse) -> None:
        self._now = now
        self._use = use
        self._by_hash: dict[str, dict[tuple[str, str], _Holder]] = {}
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
            scopes = frozenset(change.document.scopes) or _ALL
            holder = _Holder(change.document, ApiCaller(change.org_id, scopes))
            self._by_hash.setdefault(key_hash, {})[identity] = holder

    def caller_of(self, key: bytes) -> ApiCaller | None:
        """Who calls with this key; None when it is none that is valid now."""
        if not key or len(key) > MAX_KEY:
            return None
        holders = self._by_hash.get(hashlib.sha256(key).hexdigest())
        if holders is None:
            return None
        now = self._now()
        if len(holders) == 1:
            (holder,) = holders.values()
            if not _is_valid(holder.key, now):
                return None
            self._use.note(holder.caller.org_id, holder.key.id, now)
            return holder.caller
        # One key of two documents says nothing about who is calling, or what it may do.
        callers = {holder.caller for holder in holders.values() if _is_valid(holder.key, now)}
        return callers.pop() if len(callers) == 1 else None


def _is_valid(key: ApiKey, now: datetime) -> bool:
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)
