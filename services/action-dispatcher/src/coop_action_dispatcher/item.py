"""How items are named in the tables.

Must not: be undone; whoever needs an item's own ids reads them from the stored bytes.
"""

from __future__ import annotations

import hashlib


def item_digest(item_key: str) -> bytes:
    """16 bytes that stand for an item key in indexes: ids may be longer than an index entry."""
    return hashlib.blake2b(item_key.encode(), digest_size=16).digest()


def storable(value: str) -> str:
    """The value as PostgreSQL's text can hold it: without NUL. Bytes keep what it was."""
    return value.replace("\0", "\ufffd")
