"""Asking the decision log.

    decisions            of people, and of a queue's settings       DECISION
    bulk_jobs            confirmed bulk actions and reversals       BULK_ACTION, BULK_REVERSAL
    requested_actions    of rules, thresholds, the platform's own   ACTION
                         calls; asked by item or user, also what
                         bulk actions did to it
    claims               jobs that were claimed and left            SKIP, RELEASE

Guarantees: one order (time, then id, newest first), in which a page goes on where the one before
ended, whatever is added; scoped by organisation; decisions of a queue that is closed to the reader
are left out unless they are the reader's own; nothing of child safety without the permission for
it, and what is not known to be harmless counts as child safety; nobody reads how a job was decided
while they hold its second review.
Must not: write; `of` is the only place that decides which parts of the log a question is put to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, CompoundSelect, Select, literal_column, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.decision_log.action_branch import ACTIONS, BULK
from coop_review_api.decision_log.branch import Branch
from coop_review_api.decision_log.job_branch import DECISIONS, PASSED_ON
from coop_review_api.decision_log.meaning import Meant, meant
from coop_review_api.decision_log.question import LogQuestion
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.review.visibility import ReaderScope

# By the names of what comes out: a subquery's columns would be made anew for every question.
_NEWEST_FIRST: Final[Sequence[ColumnElement[Any]]] = (
    literal_column("time").desc(),
    literal_column("id").desc(),
)


async def page(
    connection: AsyncConnection,
    scope: ReaderScope,
    question: LogQuestion,
    *,
    after: str | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Up to `limit` rows of the log, newest first, from the one after the position `after`.

    Raises `Invalid` for a position that is none of `position_of`.
    """
    position = None if after is None else _parsed(after)
    asked = await meant(connection, scope.org_id, question)
    parts = [one.entries(asked, scope, after=position, limit=limit) for one in branches_of(asked)]
    if not parts:
        return []
    newest: Select[Any] | CompoundSelect[Any] = parts[0]  # in this order, and limited, by itself
    if len(parts) > 1:
        newest = union_all(*parts).order_by(*_NEWEST_FIRST).limit(limit)
    return [dict(row) for row in (await connection.execute(newest)).mappings()]


def position_of(row: dict[str, Any]) -> str:
    """Where an entry stands in the log."""
    return f"{row['time'].isoformat()} {row['id']}"


def branches_of(question: Meant) -> list[Branch]:
    """The parts of the log that can have an answer."""
    return [one for one in (DECISIONS, BULK, ACTIONS, PASSED_ON) if one.can_answer(question)]


def _parsed(position: str) -> tuple[datetime, str]:
    time, _, entry_id = position.partition(" ")
    try:
        found = datetime.fromisoformat(time)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Invalid([Fault("#/query/cursor", "not a cursor of this list")])
    return found, entry_id
