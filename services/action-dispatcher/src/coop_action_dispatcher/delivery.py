"""What a delivery is: one action on one item, or one callback, to be told to the platform once.

                 accept                   2xx
    (requested) ───────▶ PENDING ─────────────────▶ DELIVERED
                          ▲   │ ╲
            retry or hold └───┘  ╲ 410, refused by us, schedule over, nothing to send to
                          ▲       ╲───────────────▶ DEAD
                          └─────────── sent again by a person ──┘

A PENDING delivery is either the head of its item (the one that may be sent) or waits behind it.
A head that is being sent is leased by the process that sends it.

Must not: do anything. Data only.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from coop_action_dispatcher.asked import Asked, decode
from coop_action_dispatcher.strike import Part, Reversal, User
from coop_contracts.dispatch import DeliveryKind


class State(StrEnum):
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"


class Verdict(NamedTuple):
    """What becomes of a delivery. `delay` (seconds) is set with PENDING; `held` says that nothing
    was sent because something on our side is missing, `unaddressed` that nobody wants it; `reason`
    is for people."""

    state: State
    delay: float = 0.0
    reason: str | None = None
    held: bool = False
    unaddressed: bool = False


class NewDelivery(Struct, frozen=True, kw_only=True):
    """A delivery to be taken on. `request` is the event's bytes; `body` the webhook's, None while
    it cannot be made; `endpoint` names the receiver (`endpoint_name`). `user` is whose strikes the
    webhook tells, `strike` what it adds to a user's strikes, `reversal` the execution whose strike
    it takes back. A callback has no action."""

    execution_id: str
    org_id: str
    action_id: str | None
    item_type_id: str
    item_id: str
    item_digest: bytes
    endpoint: str
    request: bytes
    event: Asked
    body: bytes | None
    kind: DeliveryKind = "ACTION"
    rule_ids: tuple[str, ...] = ()
    traceparent: str | None = None
    user: User | None = None
    strike: Part | None = None
    reversal: Reversal | None = None


class Delivery(Struct, frozen=True, kw_only=True):
    """A delivery this process has leased. `seq` is its number, by which the tables know it;
    `attempts` were made before, `attempts_before` of them before it was last sent again by a
    person; `age` is in seconds. `event` is the decoded `request`, where it is at hand. `probe`: the
    one that an open breaker lets through."""

    seq: int
    execution_id: str
    org_id: str
    endpoint_id: int
    item_digest: bytes
    request: bytes
    body: bytes | None
    attempts: int
    attempts_before: int = 0
    age: float = 0.0
    traceparent: str | None = None
    event: Asked | None = None
    probe: bool = False

    @property
    def asked(self) -> Asked:
        """What it was asked for with. Raises msgspec.MsgspecError for a row that is none."""
        return self.event or decode(self.request)


class Attempt(Struct, frozen=True, kw_only=True):
    """One request that went out. `status` is None where no answer came; `response` the first 2 KB
    of the answer as text. `refused`: by ourselves, so that nothing went out and nothing ever
    will while the address is what it is."""

    started_at: datetime
    latency_ms: float
    status: int | None = None
    error: str | None = None
    response: str | None = None
    retry_after: float | None = None
    refused: bool = False


class Result(Struct, frozen=True, kw_only=True):
    """What came of a leased delivery: the verdict, and the attempt if one was made."""

    delivery: Delivery
    verdict: Verdict
    attempt: Attempt | None = None
    endpoint_id: int | None = None  # where it has to go, if that is no longer the delivery's
    config_revision: int = 0  # the organisation's newest, when the verdict was reached

    @property
    def attempts(self) -> int:
        """How many attempts were made, this one included."""
        return self.delivery.attempts + (self.attempt is not None)
