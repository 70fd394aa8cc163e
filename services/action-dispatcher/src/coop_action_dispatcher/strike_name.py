"""The names of users' live strikes in Redis.

Must not: talk to Redis; `strike_index` does, and `erasure`, which takes a name away.
"""

from __future__ import annotations

from typing import Final

from coop_contracts.event import ItemRef

PREFIX: Final = "coop:strikes:"


def key_of(org_id: str, user: ItemRef) -> str:
    """Where the strikes of a user stand."""
    return f"{PREFIX}{org_id}:{user.type_id}:{user.id}"
