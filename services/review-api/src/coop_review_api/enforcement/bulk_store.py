"""Bulk jobs as rows: making them, steering them, carrying out a batch of their items.

Guarantees: a batch is one transaction: its events are in the outbox and its items marked together,
so a crash leaves no item asked for twice or forgotten; several processes never work on one job at
the same time; what is cancelled or paused asks for nothing more; a job of somebody who may not
act any more is cancelled, and what it has done can be taken back.
Must not: decide what follows for an item; `bulk` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import Event, ItemRef, SubmittedItem
from coop_contracts.ids import item_key, new_id
from coop_contracts.permission import Permission
from coop_queues import reading
from coop_review_api.configuration import role_permission
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.directory.person import active, email_of
from coop_review_api.enforcement.bulk import (
    KINDS,
    MAX_ITEMS,
    NEXT,
    BulkOrder,
    BulkRun,
    ItemOutcome,
    Reversed,
    Target,
    carry_out,
)
from coop_review_api.enforcement.table import bulk_items, bulk_jobs
from coop_review_api.kernel import audit
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import Conflict, Fault, Invalid, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.kernel.schema import outbox
from coop_review_api.kernel.turn import OrgTurns, take_in_turn
from coop_review_api.notification.kind import BulkData, NotificationKind
from coop_review_api.notification.store import News, tell_people
from coop_review_api.projection.history import latest_items
from coop_runtime.database.outbox import append
from coop_runtime.kafka.message import Message, message_of

_INSERT = 10_000  # rows of one statement


async def create(
    connection: AsyncConnection,
    principal: Principal,
    order: BulkOrder,
    *,
    kind: str,
    revision: int,
    now: datetime,
) -> str:
    """A new job in PREVIEW, without items; its id."""
    bulk_id = new_id()
    await connection.execute(
        insert(bulk_jobs).values(
            bulk_id=bulk_id,
            org_id=principal.org_id,
            kind=kind,
            state="PREVIEW",
            order=msgspec.to_builtins(order),
            total=0,
            config_revision=revision,
            created_by=principal.user_id,
            created_at=now,
        )
    )
    await _record(connection, principal, "bulk-action.created", bulk_id, now)
    return bulk_id


async def locked(connection: AsyncConnection, principal: Principal, bulk_id: str) -> Any:
    """The job's row, locked. Raises `NotFound`."""
    query = select(bulk_jobs).where(
        bulk_jobs.c.org_id == principal.org_id, bulk_jobs.c.bulk_id == bulk_id
    )
    row = (await connection.execute(query.with_for_update())).one_or_none()
    if row is None:
        raise NotFound(f"no bulk action {bulk_id}")
    return row


async def add(connection: AsyncConnection, job: Any, targets: Sequence[Target]) -> int:
    """Adds items to a job in PREVIEW (its row is locked); how many were there already.

    Raises `Conflict`, and `Invalid` past `MAX_ITEMS`.
    """
    if job.state != "PREVIEW":
        raise Conflict("items can be added before the confirmation only")
    last = select(func.max(bulk_items.c.position)).where(bulk_items.c.bulk_id == job.bulk_id)
    position = (await connection.scalar(last)) or 0
    added = 0
    for start in range(0, len(targets), _INSERT):
        part = targets[start : start + _INSERT]
        rows = _rows_of(job.bulk_id, position + start + 1, part)
        added += (await connection.execute(_ADD, rows)).rowcount
    if job.total + added > MAX_ITEMS:
        raise Invalid([Fault("/itemIds", f"at most {MAX_ITEMS} items")])
    total = bulk_jobs.c.total + added
    await connection.execute(
        update(bulk_jobs).where(bulk_jobs.c.bulk_id == job.bulk_id).values(total=total)
    )
    return len(targets) - added


_ADD = text(
    """
    INSERT INTO review.bulk_items
           (bulk_id, position, identity, item_key, item_type_id, item_id, creator, reverses)
    SELECT :bulk_id, i.position, i.identity, i.item_key, i.item_type_id, i.item_id,
           CAST(i.creator AS jsonb), CAST(i.reverses AS jsonb)
      FROM unnest(CAST(:positions AS integer[]), CAST(:identities AS text[]),
                  CAST(:keys AS uuid[]), CAST(:type_ids AS text[]), CAST(:item_ids AS text[]),
                  CAST(:creators AS text[]), CAST(:reverses AS text[]))
           AS i (position, identity, item_key, item_type_id, item_id, creator, reverses)
    ON CONFLICT DO NOTHING
    """
)


def _rows_of(bulk_id: str, first: int, targets: Sequence[Target]) -> dict[str, Any]:
    def encoded(part: ItemRef | Reversed | None) -> str | None:
        return None if part is None else msgspec.json.encode(part).decode()

    return {
        "bulk_id": bulk_id,
        "positions": list(range(first, first + len(targets))),
        "identities": [target.identity for target in targets],
        "keys": [reading.item_key(target.item.type_id, target.item.id) for target in targets],
        "type_ids": [target.item.type_id for target in targets],
        "item_ids": [target.item.id for target in targets],
        "creators": [encoded(target.creator) for target in targets],
        "reverses": [encoded(target.reverses) for target in targets],
    }


async def steer(
    connection: AsyncConnection, principal: Principal, job: Any, command: str, *, now: datetime
) -> None:
    """Confirm, pause, resume or cancel a job (its row is locked). Raises `Conflict`."""
    allowed, state = NEXT[command]
    if job.state == state:
        return
    if job.state not in allowed:
        raise Conflict(f"this bulk action is {job.state}")
    values: dict[str, Any] = {"state": state}
    if command == "confirm":
        if not job.total:
            raise Conflict("this bulk action has no items")
        values |= {"confirmed_by": principal.user_id, "started_at": now}
    if command == "cancel":
        values["finished_at"] = now
    await connection.execute(
        update(bulk_jobs).where(bulk_jobs.c.bulk_id == job.bulk_id).values(values)
    )
    await _record(connection, principal, f"bulk-action.{state.lower()}", job.bulk_id, now)


async def _record(
    connection: AsyncConnection, principal: Principal, action: str, bulk_id: str, now: datetime
) -> None:
    await audit.record(
        connection,
        org_id=principal.org_id,
        actor=principal.user_id,
        action=action,
        target=("bulk-action", bulk_id),
        time=now,
    )


async def advance(
    connection: AsyncConnection, *, batch: int, clock: Clock, turns: OrgTurns | None = None
) -> int:
    """Carries out up to `batch` items of one running job; how many. 0: there is nothing to do.

    Organisations take turns; of one's jobs that which is least far goes first, so that a large one
    keeps no small one waiting.
    """
    running = (
        select(bulk_jobs)
        .where(bulk_jobs.c.state == "RUNNING")
        .order_by(bulk_jobs.c.requested + bulk_jobs.c.refused, bulk_jobs.c.bulk_id)
    )
    job = await take_in_turn(
        connection, running, bulk_jobs.c.org_id, turns or OrgTurns(), of=bulk_jobs
    )
    if job is None:
        return 0
    if not await _may_go_on(connection, job):
        await _cancel(connection, job, now=clock())
        return 1
    waiting = (
        select(bulk_items)
        .where(bulk_items.c.bulk_id == job.bulk_id, bulk_items.c.state == "WAITING")
        .order_by(bulk_items.c.position)
        .limit(batch)
    )
    rows = (await connection.execute(waiting)).all()
    now = clock()
    outcomes = await _outcomes(connection, job, rows, now)
    refused = sum(outcome.refused is not None for outcome in outcomes)
    messages = [_message(event) for outcome in outcomes for event in outcome.events]
    await append(connection, outbox, messages)
    if rows:
        await connection.execute(_MARK, _marks(job.bulk_id, rows, outcomes))
    done = job.requested + job.refused + len(rows)
    values: dict[str, Any] = {
        "requested": job.requested + len(rows) - refused,
        "refused": job.refused + refused,
    }
    if done >= job.total or not rows:
        values |= {"state": "COMPLETE", "finished_at": now}
    await connection.execute(
        update(bulk_jobs).where(bulk_jobs.c.bulk_id == job.bulk_id).values(values)
    )
    if "state" in values:
        await _tell(connection, job.bulk_id, now=now)
    return max(1, len(rows))


async def _may_go_on(connection: AsyncConnection, job: Any) -> bool:
    """Whether whoever confirmed the job may act now."""
    person = job.confirmed_by or job.created_by
    found = await active(connection, job.org_id, [person])
    if not found:
        return False
    held = await role_permission.permissions_of(connection, job.org_id, found[0].role)
    return Permission.MANUALLY_ACTION_CONTENT in held


async def _cancel(connection: AsyncConnection, job: Any, *, now: datetime) -> None:
    await connection.execute(
        update(bulk_jobs)
        .where(bulk_jobs.c.bulk_id == job.bulk_id)
        .values(state="CANCELLED", finished_at=now)
    )
    await audit.record(
        connection,
        org_id=job.org_id,
        actor="system",
        action="bulk-action.cancelled",
        target=("bulk-action", job.bulk_id),
        detail={"madeBy": job.confirmed_by or job.created_by},
        time=now,
    )
    await _tell(connection, job.bulk_id, now=now)


async def _tell(connection: AsyncConnection, bulk_id: str, *, now: datetime) -> None:
    """Tell who made or confirmed it how it ended."""
    ended = (
        await connection.execute(select(bulk_jobs).where(bulk_jobs.c.bulk_id == bulk_id))
    ).one()
    news = News(
        org_id=ended.org_id,
        cause_id=f"bulk/{bulk_id}",
        kind=NotificationKind.BULK_DONE,
        data=BulkData(
            bulk_id=bulk_id,
            order=ended.kind,
            state=ended.state,
            total=ended.total,
            requested=ended.requested,
            refused=ended.refused,
        ),
        at=now,
    )
    people = {ended.created_by, ended.confirmed_by or ended.created_by}
    await tell_people(connection, news, people, mail=False)


async def _outcomes(
    connection: AsyncConnection, job: Any, rows: Sequence[Any], now: datetime
) -> list[ItemOutcome]:
    actor = job.confirmed_by or job.created_by
    email = await email_of(connection, actor)
    run = BulkRun(
        bulk_id=job.bulk_id,
        org_id=job.org_id,
        order=msgspec.convert(job.order, BulkOrder),
        actor_id=actor,
        actor_email=email,
        catalogue=await load_catalogue(connection, job.org_id, KINDS),
        now=now,
    )
    targets = [target_of(row) for row in rows]
    unknown = {one.item for one in targets if one.creator is None and one.reverses is None}
    items = await latest_items(connection, job.org_id, unknown)
    return [carry_out(run, _with_creator(target, items)) for target in targets]


def _with_creator(target: Target, items: Mapping[ItemRef, SubmittedItem]) -> Target:
    """The item with its creator, where that is told by what was last submitted of it."""
    item = items.get(target.item)
    return target if item is None else replace(target, creator=item.creator)


def target_of(row: Any) -> Target:
    """The item of a row of `bulk_items`."""
    return Target(
        item=ItemRef(row.item_id, row.item_type_id),
        creator=None if row.creator is None else msgspec.convert(row.creator, ItemRef),
        reverses=None if row.reverses is None else msgspec.convert(row.reverses, Reversed),
    )


_MARK = text(
    """
    UPDATE review.bulk_items i
       SET state = m.state, reason = m.reason,
           execution_ids = CASE WHEN m.executions = '' THEN NULL
                                ELSE string_to_array(m.executions, ' ') END
      FROM unnest(CAST(:positions AS integer[]), CAST(:states AS text[]),
                  CAST(:reasons AS text[]), CAST(:executions AS text[]))
           AS m (position, state, reason, executions)
     WHERE i.bulk_id = :bulk_id AND i.position = m.position
    """
)


def _marks(bulk_id: str, rows: Sequence[Any], outcomes: Sequence[ItemOutcome]) -> dict[str, Any]:
    return {
        "bulk_id": bulk_id,
        "positions": [row.position for row in rows],
        "states": ["REFUSED" if outcome.refused else "REQUESTED" for outcome in outcomes],
        "reasons": [outcome.refused for outcome in outcomes],
        "executions": [" ".join(outcome.execution_ids) for outcome in outcomes],
    }


def _message(event: Event) -> Message:
    item = event.item  # type: ignore[attr-defined]
    key = item_key(event.org_id, item.type_id, item.id)
    return message_of(event, key=key)
