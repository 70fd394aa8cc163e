"""What a delivery is: one action on one item, to be told to the platform once.

                 accept                   2xx
    (requested) ───────▶ PENDING ─────────────────▶ DELIVERED
                          ▲   │ ╲
            retry or hold └───┘  ╲ 410, schedule over, nothing to send to
                                  ╲───────────────▶ DEAD

A PENDING delivery is either the head of its item (the one that may be sent) or waits behind it.
A head that is being sent is leased by the process that sends it.

Must not: do anything. Data only.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct


class State(StrEnum):
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"


class Verdict(NamedTuple):
    """What becomes of a delivery. `delay` (seconds) is set with PENDING; `held` says that nothing
    was sent because something on our side is missing; `reason` is for people."""

    state: State
    delay: float = 0.0
    reason: str | None = None
    held: bool = False


class NewDelivery(Struct, frozen=True, kw_only=True):
    """A delivery to be taken on. `request` is the ActionRequested event's bytes; `body` the
    webhook's, None while it cannot be made; `endpoint` groups deliveries that share a receiver."""

    execution_id: str
    org_id: str
    action_id: str
    item_type_id: str
    item_id: str
    item_digest: bytes
    endpoint: str
    request: bytes
    body: bytes | None
    traceparent: str | None = None


class Delivery(Struct, frozen=True, kw_only=True):
    """A delivery this process has leased. `attempts` were made before; `age` is in seconds."""

    execution_id: str
    org_id: str
    action_id: str
    item_digest: bytes
    endpoint: str
    request: bytes
    body: bytes | None
    attempts: int
    age: float
    traceparent: str | None = None


class Attempt(Struct, frozen=True, kw_only=True):
    """One request that went out. `status` is None where no answer came; `response` the first 2 KB
    of the answer as text."""

    started_at: datetime
    latency_ms: float
    status: int | None = None
    error: str | None = None
    response: str | None = None
    retry_after: float | None = None


class Result(Struct, frozen=True, kw_only=True):
    """What came of a leased delivery: the verdict, and the attempt if one was made."""

    delivery: Delivery
    verdict: Verdict
    attempt: Attempt | None = None
    endpoint: str = ""  # where it went, if that is no longer the delivery's endpoint
    config_revision: int = 0  # the organisation's newest, when the verdict was reached

    @property
    def attempts(self) -> int:
        """How many attempts were made, this one included."""
        return self.delivery.attempts + (self.attempt is not None)


def item_digest(item_key: str) -> bytes:
    """16 bytes that stand for an item key in indexes: ids may be longer than an index entry."""
    return hashlib.blake2b(item_key.encode(), digest_size=16).digest()
