"""The columns of what `store` writes: one list each for the statement and for its parameters.

    NEW, PLACES, RULES          a delivery that is taken on, its place, the rules that asked for it
    RESULTS, ATTEMPTS, ENDS     a result, the attempt that it comes from, the message that tells of
                                the delivery's end; a result without one has NULL in its columns

Must not: decide anything; what a row says was decided before.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from coop_action_dispatcher.delivery import Attempt, NewDelivery, Result
from coop_runtime.database.array import (
    Bigints,
    Blobs,
    Booleans,
    Floats,
    Integers,
    Jsons,
    Moments,
    Texts,
    Uuids,
)
from coop_runtime.database.column import Column, Columns
from coop_runtime.kafka.message import Message

_json = msgspec.json.Encoder()


class Place(Struct, frozen=True, gc=False):
    """The place of a new delivery: where it goes, whether it goes first of its item, and whether
    this process has leased it."""

    endpoint_id: int
    head: bool
    leased: bool


class Ruled(Struct, frozen=True, gc=False):
    """A rule that asked for a delivery."""

    execution_id: str
    org_id: str
    rule_id: str


NEW = Columns[NewDelivery](
    Column("execution_id", Uuids),
    Column("org_id", Texts),
    Column("action_id", Texts),
    Column("item_type_id", Texts),
    Column("item_id", Texts),
    Column("item_digest", Blobs),
    Column("request", Blobs),
    Column("body", Blobs),
    Column("traceparent", Texts),
    Column("kind", Texts),
)

PLACES = Columns[Place](
    Column("endpoint_id", Bigints),
    Column("head", Booleans),
    Column("leased", Booleans),
)

RULES = Columns[Ruled](
    Column("execution_id", Uuids),
    Column("org_id", Texts),
    Column("rule_id", Texts),
    prefix="rule_",
)

RESULTS = Columns[Result](
    Column("seq", Bigints, "delivery.seq"),
    Column("state", Texts, "verdict.state.value"),
    Column("held", Booleans, "verdict.held"),
    Column("attempts", Integers),
    Column("endpoint_id", Bigints, lambda one: one.endpoint_id or one.delivery.endpoint_id),
    Column("delay", Floats, "verdict.delay"),
    Column("error", Texts, "verdict.reason"),
    Column("attempted", Booleans, lambda one: one.attempt is not None),
)

ATTEMPTS = Columns[Attempt](
    Column("status", Integers),
    Column("started_at", Moments),
    Column("latency_ms", Floats),
    Column("attempt_error", Texts, "error"),
    Column("response", Texts),
)


def _headers(message: Message) -> bytes:
    return _json.encode([[name, value.decode()] for name, value in message.headers])


ENDS = Columns[Message](
    Column("topic", Texts),
    Column("key", Blobs),
    Column("value", Blobs),
    Column("headers", Jsons, _headers),
)
