"""The rows of strikes, of their executions and of crossings, and their columns: one list each for
the statement and for its parameters.

Must not: decide anything; what a row says was decided before.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from coop_action_dispatcher.item import storable
from coop_action_dispatcher.threshold import Crossing
from coop_runtime.database.array import (
    Bigints,
    Blobs,
    Booleans,
    Integers,
    Jsons,
    Moments,
    Texts,
    Uuids,
)
from coop_runtime.database.column import Column, Columns


class ExecutionRow(Struct, frozen=True, kw_only=True):
    """An execution that is part of a strike. One that was taken back before it was asked for is
    part of none, and has only its id."""

    execution_id: str
    strike_id: str | None = None
    action_id: str | None = None
    policy_id: str | None = None
    weight: int | None = None
    struck_at: datetime
    expires_at: datetime
    reversed_at: datetime | None = None


class StrikeRow(Struct, frozen=True, kw_only=True):
    """A strike. `lead_execution_id` is the execution that leads it, None where none stands;
    `counted` is what it adds to its user's total now."""

    strike_id: str
    user_digest: bytes
    cause_id: str
    lead_execution_id: str | None
    policy_id: str
    weight: int
    struck_at: datetime
    expires_at: datetime
    counted: int


EXECUTIONS = Columns[ExecutionRow](
    Column("execution_id", Uuids),
    Column("strike_id", Uuids),
    Column("action_id", Texts),
    Column("policy_id", Texts),
    Column("weight", Integers),
    Column("struck_at", Moments),
    Column("expires_at", Moments),
    Column("reversed_at", Moments),
)

STRIKE_ROWS = Columns[StrikeRow](
    Column("strike_id", Uuids),
    Column("user_digest", Blobs),
    Column("cause_id", Texts),
    Column("lead_execution_id", Uuids),
    Column("policy_id", Texts),
    Column("weight", Integers),
    Column("struck_at", Moments),
    Column("expires_at", Moments),
    Column("counted", Integers),
)

CROSSINGS = Columns[Crossing](
    Column("crossing_id", Uuids),
    Column("user_digest", Blobs, "user.digest"),
    Column("org_id", Texts, lambda crossing: storable(crossing.user.org_id)),
    Column("threshold", Integers),
    Column("generation", Integers),
    Column("total", Bigints),
    Column("cause_id", Texts, lambda crossing: storable(crossing.cause_id)),
    Column("executions", Jsons, lambda crossing: msgspec.json.encode(crossing.executions)),
    Column("fell", Booleans),
)
