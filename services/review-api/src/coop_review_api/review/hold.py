"""The undo window: a decision's events wait here before they leave.

    decided ─▶ held ──window over──▶ outbox ─▶ broker
               │  └────undone──────▶ gone; the job goes on as a new one, if wanted with who undid it
               └─extended, while who decided is at its button─▶ held for two windows from then

Guarantees: what is undone was never published, what was published cannot be undone: both remove
the held row, and only one of them finds it. Events of one decision leave together, in their order;
but for actions that wait for evidence (`withholding`), whose wait begins then.
A job whose escalation to NCMEC leaves is about child safety from that moment. Extended, whatever
follows the decision waits as long; ten windows, or two minutes, after the first one it leaves.
Must not: hold anything but people's decisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.permission import Permission
from coop_queues import store
from coop_review_api.configuration.catalogue import load_documents
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.kernel import audit, metric
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import Conflict, Forbidden, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.kernel.schema import outbox
from coop_review_api.review import child_safety, draft, withholding
from coop_review_api.review.decision import Component, Draft
from coop_review_api.review.desk import Desk, HandedOut, hand_out
from coop_review_api.review.ranking import load_ranking
from coop_review_api.review.table import decisions, held_decisions
from coop_review_api.review.taking import take_undone
from coop_runtime.database.engine import transaction
from coop_runtime.database.outbox import channel_of
from coop_runtime.kafka.message import Message
from coop_runtime.process.interval import at_intervals, in_batches

_BATCH = 200
_EVERY = 0.25  # seconds between two looks at what is due
_WINDOWS = 10  # that a window is extended by at most, in all
_LONGEST = 120.0  # seconds; the same, where windows are long


_RELEASE = text(
    f"""
    WITH due AS (
        DELETE FROM review.held_decisions WHERE decision_id IN (
            SELECT decision_id FROM review.held_decisions WHERE leaves_at <= :now
             ORDER BY leaves_at, decision_id LIMIT {_BATCH} FOR UPDATE SKIP LOCKED)
        RETURNING decision_id, leaves_at, topics, keys, payloads, headers
    ), left_ AS (
        INSERT INTO review.outbox (topic, key, value, headers)
        SELECT message.topic, message.key, message.value,
               due.headers -> CAST(message.position - 1 AS int)
          FROM due, unnest(due.topics, due.keys, due.payloads)
               WITH ORDINALITY AS message (topic, key, value, position)
         ORDER BY due.leaves_at, due.decision_id, message.position
    )
    SELECT d.org_id, d.decision_id,
           CASE WHEN d.escalation IS NOT NULL THEN d.job_id END AS escalated
      FROM due JOIN review.decisions d USING (decision_id)
    """  # noqa: S608 - a constant
)
_NOTIFY = text("SELECT pg_notify(:channel, '')")


async def hold(
    connection: AsyncConnection,
    *,
    org_id: str,
    decision_id: str,
    messages: Sequence[Message],
    leaves_at: datetime,
) -> None:
    """Keeps a decision's events until `leaves_at`, in the caller's transaction."""
    await connection.execute(
        insert(held_decisions).values(
            decision_id=decision_id,
            org_id=org_id,
            leaves_at=leaves_at,
            **withholding.columns_of(messages),
        )
    )


@dataclass(frozen=True, kw_only=True)
class Undone:
    """`job_id` is the job that goes on; `handed_out` for who undid the decision and wanted it."""

    job_id: str
    handed_out: HandedOut | None


async def undo(
    desk: Desk, principal: Principal, decision_id: str, *, claim: bool = False
) -> Undone:
    """Takes a decision back before it left. What somebody decided is their draft of the job that
    goes on; with `claim` that job is leased to who undid the decision, with the draft.

    Raises `NotFound`, `Forbidden` (somebody else's decision), `Conflict` (it has left).
    """
    async with transaction(desk.engine) as connection:
        row = await _row(connection, principal, decision_id)
        now = desk.clock()
        if row.reviewer_id != principal.user_id:
            target = ("decision", decision_id)
            await child_safety.require(connection, principal, target, causes=[decision_id], now=now)
        gone = await connection.execute(
            delete(held_decisions)
            .where(
                held_decisions.c.decision_id == decision_id,
                held_decisions.c.leaves_at > now,
            )
            .returning(held_decisions.c.decision_id)
        )
        if gone.one_or_none() is None:
            raise Conflict("this decision has left: it can be reversed, no longer undone")
        await withholding.forget(connection, decision_id)
        ranking = await load_ranking(connection, principal.org_id, row.queue_id)
        reopened = await store.reopen(connection, principal.org_id, row.job_id, ranking=ranking)
        if reopened is None:
            raise Conflict("the job of this decision has gone on already")
        await connection.execute(
            update(decisions)
            .where(decisions.c.decision_id == decision_id)
            .values(undone_at=now, undone_by=principal.user_id, moved_to=reopened.job_id)
        )
        if claim or row.reviewer_id == principal.user_id:
            entered = Draft(
                components=msgspec.convert(row.components, tuple[Component, ...]),
                reason=row.reason,
                note=row.note,
            )
            await draft.keep(connection, principal, reopened.job_id, entered, now)
        taken = await take_undone(connection, desk, principal, reopened) if claim else None
        for follower in desk.followers:
            await follower.undone(connection, decision_id, now=now)
        await audit.record(
            connection,
            org_id=principal.org_id,
            actor=principal.user_id,
            action="decision.undone",
            target=("decision", decision_id),
            time=now,
        )
    changes = reopened.changes if taken is None else (*reopened.changes, taken[1])
    await desk.order.apply(changes)
    metric.UNDONE.inc()
    handed_out = None if taken is None else await hand_out(desk, principal, taken[0])
    return Undone(job_id=reopened.job_id, handed_out=handed_out)


async def extend(desk: Desk, principal: Principal, decision_id: str) -> datetime:
    """Holds one's own decision for two windows from now on, as far as it may be extended; when it
    leaves. Two, so that who asks again within one still has a whole one, however slow the answer.

    Raises `NotFound`, `Forbidden` (somebody else's decision), `Conflict` (it has left).
    """
    async with transaction(desk.engine) as connection:
        row = await _row(connection, principal, decision_id)
        if row.reviewer_id != principal.user_id:
            raise Forbidden("only who decided has more time for taking it back")
        now = desk.clock()
        settings = await _settings(connection, principal.org_id)
        own = held_decisions.c
        held = await connection.scalar(
            select(own.leaves_at)
            .where(own.decision_id == decision_id, own.leaves_at > now)
            .with_for_update()
        )
        if held is None:
            raise Conflict("this decision has left: it can be reversed, no longer undone")
        window = timedelta(seconds=settings.undo_window)
        most = min(_WINDOWS * window, timedelta(seconds=_LONGEST))
        until: datetime = max(held, min(now + 2 * window, row.decided_at + window + most))
        if until > held:
            for table in (held_decisions, decisions):
                await connection.execute(
                    update(table).where(table.c.decision_id == decision_id).values(leaves_at=until)
                )
            for follower in desk.followers:
                await follower.extended(connection, decision_id, until=until)
    return until


async def _settings(connection: AsyncConnection, org_id: str) -> OrgSettings:
    catalogue = await load_documents(connection, org_id, [(Kind.SETTINGS, SETTINGS_ID)])
    found = catalogue.get(Kind.SETTINGS, OrgSettings, SETTINGS_ID)
    return found or OrgSettings(id=SETTINGS_ID, name="")


async def _row(connection: AsyncConnection, principal: Principal, decision_id: str) -> Any:
    query = select(
        decisions.c.job_id,
        decisions.c.queue_id,
        decisions.c.reviewer_id,
        decisions.c.decided_at,
        decisions.c.undone_at,
        decisions.c.components,
        decisions.c.reason,
        decisions.c.note,
    ).where(decisions.c.org_id == principal.org_id, decisions.c.decision_id == decision_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"no decision {decision_id}")
    if row.undone_at is not None:
        raise Conflict("this decision was undone already")
    own = row.reviewer_id == principal.user_id
    if not own and not principal.may(Permission.EDIT_MRT_QUEUES):
        raise Forbidden("only who decided, or who manages queues, may undo this")
    return row


class Releaser:
    """Lets held decisions go when their window is over. Any number may run."""

    def __init__(self, engine: AsyncEngine, *, clock: Clock, every: float = _EVERY) -> None:
        self._engine = engine
        self._clock = clock
        self._every = every

    async def run(self) -> None:
        """Until cancelled; outages of the database are waited out."""
        await at_intervals(
            lambda: in_batches(self.release, _BATCH),
            self._every,
            postponed="held decisions wait for the database",
        )

    async def release(self) -> int:
        """One batch of what is due; how many decisions left. Raises `Retryable`."""
        async with transaction(self._engine) as connection:
            now = self._clock()
            rows = (await connection.execute(_RELEASE, {"now": now})).all()
            for row in rows:
                if row.escalated is not None:
                    await child_safety.raise_escalated(connection, row.org_id, row.escalated)
            if rows:
                await withholding.begin(connection, [row.decision_id for row in rows], now=now)
                await connection.execute(_NOTIFY, {"channel": channel_of(outbox)})
        metric.RELEASED.inc(len(rows))
        return len(rows)
