"""Asking the decision log.

    decisions            of people, and of a queue's settings       DECISION
    bulk_jobs            confirmed bulk actions and reversals       BULK_ACTION, BULK_REVERSAL
    requested_actions    of rules, thresholds, the platform's own   ACTION
                         calls; asked by item or user, also what
                         bulk actions did to it
    queues.claims        jobs that were claimed and left            SKIP, RELEASE

Guarantees: one order (time, then id, newest first), in which a page goes on where the one before
ended, whatever is added; scoped by organisation; decisions of a queue that is closed to the reader
are left out unless they are the reader's own; nothing of child safety without the permission for
it, and what is not known to be harmless counts as child safety; nobody reads how a job was decided
while they hold its second review.
Must not: write; `of` is the only place that decides which parts of the log a question is put to.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_review_api.decision_log import branch
from coop_review_api.decision_log.branch import Branch, Parameters
from coop_review_api.error import Fault, Invalid

EntryKind = Literal["DECISION", "BULK_ACTION", "BULK_REVERSAL", "ACTION", "SKIP", "RELEASE"]
EntrySource = Literal[
    "MRT_JOB",
    "AUTOMATIC",
    "BULK_ACTION",
    "REVERSAL",
    "RULE_EXECUTION",
    "POST_ACTIONS",
    "STRIKE_THRESHOLD",
    "RETROACTION",
]
DecisionType = Literal[
    "IGNORE",
    "CUSTOM_ACTION",
    "RELATED_ACTION",
    "MOVE",
    "ESCALATE_TO_NCMEC",
    "ACCEPT_APPEAL",
    "REJECT_APPEAL",
    "AUTOMATIC_CLOSE",
    "CLOSE",
]
USUAL: tuple[EntryKind, ...] = ("DECISION", "BULK_ACTION", "BULK_REVERSAL", "ACTION")
"""The kinds that are shown unless others are asked for."""


class Wanted(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A question to the log: of each filter that is set one value fits; all filters hold. `since`
    is within, `until` not. `item` with an empty id means every item of its type."""

    kinds: tuple[EntryKind, ...] = USUAL
    decision_types: tuple[DecisionType, ...] = ()
    sources: tuple[EntrySource, ...] = ()
    action_ids: tuple[str, ...] = ()
    policy_ids: tuple[str, ...] = ()
    queue_ids: tuple[str, ...] = ()
    reviewer_ids: tuple[str, ...] = ()
    rule_ids: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    item: ItemRef | None = None
    user: ItemRef | None = None
    job_id: str | None = None


class Scope(Struct, frozen=True, kw_only=True, rename="camel"):
    """What the reader may see. `queue_ids` are the queues open to them; None: all, those too that
    were deleted."""

    org_id: str
    user_id: str
    queue_ids: tuple[str, ...] | None
    child_safety: bool

    def may_read(self, queue_id: str, reviewer_id: str | None) -> bool:
        """Whether a decision of that queue is open to them: their own always is."""
        is_open = self.queue_ids is None or queue_id in self.queue_ids
        return is_open or reviewer_id == self.user_id

    def has_queues_of(self, other: Scope) -> bool:
        """Whether every queue that is open to `other` is open to them."""
        if self.queue_ids is None or other.queue_ids is None:
            return self.queue_ids is None
        return set(other.queue_ids) <= set(self.queue_ids)


async def page(
    connection: AsyncConnection,
    scope: Scope,
    wanted: Wanted,
    *,
    after: str | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Up to `limit` rows of the log, newest first, from the one after the position `after`.

    Raises `Invalid` for a position that is none of `position_of`.
    """
    parameters = Parameters(
        org=scope.org_id,
        me=scope.user_id,
        limit=limit,
        since=wanted.since,
        until=wanted.until,
    )
    if after is not None:
        parameters.values["time"], parameters.values["id"] = _parsed(after)
    parts = [
        one.sql(parameters, after=after is not None, scope=scope, wanted=wanted)
        for one in branches_of(wanted)
    ]
    if not parts:
        return []
    union = " UNION ALL ".join(f"({part})" for part in parts)
    statement = text(
        f"SELECT * FROM ({union}) AS entry ORDER BY time DESC, id DESC LIMIT :limit"  # noqa: S608
    )
    rows = (await connection.execute(statement, parameters.values)).mappings()
    return [dict(row) for row in rows]


def position_of(row: dict[str, Any]) -> str:
    """Where an entry stands in the log."""
    return f"{row['time'].isoformat()} {row['id']}"


def branches_of(wanted: Wanted) -> list[Branch]:
    """The parts of the log that can have an answer."""
    return [one for one in branch.ALL if one.can_answer(wanted)]


def _parsed(position: str) -> tuple[datetime, str]:
    time, _, entry_id = position.partition(" ")
    try:
        found = datetime.fromisoformat(time)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Invalid([Fault("#/query/cursor", "not a cursor of this list")])
    return found, entry_id
