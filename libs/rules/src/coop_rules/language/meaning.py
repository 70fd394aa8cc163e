"""Stable hashes of meaning: ids of conditions, needs and aggregations.

Guarantees: equal meanings have equal ids in every process and version. Must not: change, or every
recorded evaluation would lose its conditions.
"""

from __future__ import annotations

import hashlib

import msgspec


def identity(meaning: object) -> str:
    """16 hexadecimal characters made of anything that msgspec encodes in one way only."""
    return hashlib.blake2b(msgspec.json.encode(meaning), digest_size=8).hexdigest()


def need_key(
    signal: str,
    source: object,
    *,
    subcategory: str | None = None,
    banks: tuple[str, ...] = (),
    aggregation: str | None = None,
) -> str:
    """The key of a need: an external signal's name, its input and its arguments."""
    return identity((signal, source, subcategory, banks, aggregation))
