"""Automations as rows: asking for one, taking the next that is due, keeping its progress.

    RUNNING ──nothing is left, or it took too long──▶ COMPLETE
       │ └──a batch fails, until `ends_at`──▶ FAILED
       └──its decision was undone, or a person stopped it──▶ CANCELLED

Guarantees: asked for twice, it is there once; one process at a time works on one; what a decision
asked for starts when the decision has left (its undo window is over), not before.
Must not: carry anything out; `batch` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues.job import OrderChange
from coop_review_api.automation.order import (
    Clearing,
    Emptying,
    Invalidation,
    Kind,
    Order,
)
from coop_review_api.automation.table import automations
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Conflict, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.kernel.turn import OrgTurns, take_in_turn
from coop_review_api.review.relation import HELD

PATIENCE = timedelta(hours=1)
"""How long an automation waits for jobs that somebody holds; then they are left to whoever does."""

_AGAIN = timedelta(seconds=15)  # between two looks at jobs that are held
_AFTER_FAILURE = timedelta(seconds=30)


_KINDS: Mapping[type[Order], Kind] = {
    Clearing: "CLEAR_REPORTS",
    Emptying: "EMPTY_QUEUE",
    Invalidation: "INVALIDATE_REPORTS",
}


async def start(
    connection: AsyncConnection,
    automation_id: str,
    org_id: str,
    order: Order,
    *,
    now: datetime,
    queue_id: str | None = None,
    cause_id: str | None = None,
    created_by: str | None = None,
    due_at: datetime | None = None,
) -> None:
    """Asks for an automation, from `due_at` on (None: at once)."""
    begins = due_at or now
    await connection.execute(
        insert(automations)
        .values(
            automation_id=automation_id,
            org_id=org_id,
            kind=_KINDS[type(order)],
            queue_id=queue_id,
            order=msgspec.to_builtins(order),
            cause_id=cause_id,
            created_by=created_by,
            created_at=now,
            due_at=begins,
            ends_at=begins + PATIENCE,
        )
        .on_conflict_do_nothing()
    )


async def cancel_of(connection: AsyncConnection, decision_id: str, *, now: datetime) -> None:
    """The decision was undone: what it asked for will not happen."""
    await connection.execute(
        update(automations)
        .where(automations.c.cause_id == decision_id, automations.c.state == "RUNNING")
        .values(state="CANCELLED", finished_at=now)
    )


async def postpone_of(connection: AsyncConnection, decision_id: str, *, until: datetime) -> None:
    """The decision leaves only then: what it asked for begins no earlier."""
    await connection.execute(
        update(automations)
        .where(
            automations.c.cause_id == decision_id,
            automations.c.state == "RUNNING",
            automations.c.due_at < until,
        )
        .values(due_at=until, ends_at=until + PATIENCE)
    )


async def cancel(
    connection: AsyncConnection, principal: Principal, automation_id: str, *, now: datetime
) -> None:
    """Stops an automation for a person. Raises `NotFound`, and `Conflict` when it has ended."""
    a = automations.c
    query = select(a.state).where(a.org_id == principal.org_id, a.automation_id == automation_id)
    state = await connection.scalar(query.with_for_update())
    if state is None:
        raise NotFound(f"no automation {automation_id}")
    if state == "CANCELLED":
        return
    if state != "RUNNING":
        raise Conflict(f"this automation is {state}")
    await _write(connection, automation_id, {"state": "CANCELLED", "finished_at": now})
    await audit.record(
        connection,
        org_id=principal.org_id,
        actor=principal.user_id,
        action="automation.cancelled",
        target=("automation", automation_id),
        time=now,
    )


async def take(
    connection: AsyncConnection,
    now: datetime,
    *,
    automation_id: str | None = None,
    turns: OrgTurns | None = None,
) -> Any | None:
    """The row of the automation that has been due for longest, of the organisation whose turn it is
    (or of that one), locked; None when there is none, or another process is at it."""
    a = automations.c
    held = exists().where(HELD.of.c.decision_id == a.cause_id)
    query = select(automations).where(a.state == "RUNNING", a.due_at <= now, ~held)
    if automation_id is not None:
        query = query.where(a.automation_id == automation_id)
    query = query.order_by(a.due_at, a.automation_id)
    return await take_in_turn(connection, query, a.org_id, turns or OrgTurns(), of=automations)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a batch did. `done`: nothing is left that could be done now; `held` jobs are in
    somebody's hands. `position` is where the next batch goes on. `begins`: numbers of an earlier
    pass over the same jobs no longer count."""

    changes: tuple[OrderChange, ...] = ()
    scanned: int = 0
    scrubbed: int = 0
    closed: int = 0
    removed: int = 0
    held: int = 0
    done: bool = False
    position: str | None = None
    begins: bool = False


async def keep(connection: AsyncConnection, row: Any, progress: Progress, now: datetime) -> None:
    """Writes what a batch did, in the batch's transaction."""
    held = progress.held + (0 if progress.begins else row.held)
    values: dict[str, Any] = {
        "position": progress.position,
        "scanned": progress.scanned + (0 if progress.begins else row.scanned),
        "scrubbed": row.scrubbed + progress.scrubbed,
        "closed": row.closed + progress.closed,
        "removed": row.removed + progress.removed,
        "held": held,
        "due_at": now,
        "error": None,
    }
    if progress.done and (not held or now >= row.ends_at):
        values |= {"state": "COMPLETE", "finished_at": now}
    elif progress.done:
        # Once more for those that somebody holds now.
        values["due_at"] = now + _AGAIN
    await _write(connection, row.automation_id, values)


async def fail(connection: AsyncConnection, row: Any, error: str, now: datetime) -> None:
    """A batch failed and left nothing: it is tried again for a while."""
    values: dict[str, Any] = {"due_at": now + _AFTER_FAILURE, "error": error}
    if now >= row.ends_at:
        values |= {"state": "FAILED", "finished_at": now}
    await _write(connection, row.automation_id, values)


async def _write(connection: AsyncConnection, automation_id: str, values: dict[str, Any]) -> None:
    await connection.execute(
        update(automations)
        .where(automations.c.automation_id == automation_id, automations.c.state == "RUNNING")
        .values(values)
    )
