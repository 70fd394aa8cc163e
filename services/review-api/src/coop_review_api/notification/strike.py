"""The history of users' strikes: how each total came to be what it is.

Guarantees: each change is kept once, for `RETENTION`; of one user in the order of the log. Whoever
manages the organisation is told when users reach a threshold, in the transaction in which that is
kept: once an hour and threshold, however many users there are.
Must not: be taken for the truth of what counts now; the dispatcher has that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.event import StrikesChanged
from coop_contracts.ids import item_key
from coop_contracts.permission import Permission
from coop_review_api.kernel.clock import Clock
from coop_review_api.notification import store
from coop_review_api.notification.kind import NotificationKind, ThresholdData
from coop_review_api.notification.store import News
from coop_review_api.notification.table import strike_changes
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

RETENTION = timedelta(days=365)
FRESH = timedelta(days=7)
"""Of what happened longer ago, and is read only now, nobody is told."""

_PRUNE = 1000


def digest_of(org_id: str, type_id: str, user_id: str) -> bytes:
    """16 bytes that stand for a user in indexes: ids may be longer than an index entry."""
    return hashlib.blake2b(item_key(org_id, type_id, user_id).encode(), digest_size=16).digest()


class StrikeHistory:
    """Handles batches of StrikesChanged."""

    def __init__(self, engine: AsyncEngine, *, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def __call__(self, batch: Sequence[Received[StrikesChanged]]) -> None:
        """Raises `Retryable`."""
        oldest = self._clock() - RETENTION
        rows = [_row(received.event) for received in batch if received.event.time >= oldest]
        if rows:
            async with transaction(self._engine) as connection:
                await self._keep(connection, rows)

    async def _keep(self, connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
        kept = set(
            await connection.scalars(
                insert(strike_changes)
                .on_conflict_do_nothing()
                .returning(strike_changes.c.event_id),
                rows,
            )
        )
        told: dict[tuple[str, int, datetime], datetime] = {}
        for row in rows:
            at = row["changed_at"]
            if row["event_id"] not in kept or at < self._clock() - FRESH:
                continue
            hour = at.replace(minute=0, second=0, microsecond=0)
            for threshold in row["crossed"]:
                told.setdefault((row["org_id"], threshold, hour), at)
        for (org_id, threshold, hour), at in sorted(told.items()):
            news = News(
                org_id=org_id,
                cause_id=f"strikes/{threshold}/{hour.isoformat()}",
                kind=NotificationKind.STRIKE_THRESHOLD,
                data=ThresholdData(threshold=threshold, at=at),
                at=self._clock(),
            )
            await store.tell(connection, news, permission=Permission.MANAGE_ORG, mail=False)


async def page(
    connection: AsyncConnection, digest: bytes, *, before: int | None, limit: int
) -> Sequence[Row[Any]]:
    """A user's changes, newest first, before `change_id`."""
    query = (
        select(strike_changes)
        .where(strike_changes.c.user_digest == digest)
        .order_by(strike_changes.c.change_id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(strike_changes.c.change_id < before)
    return (await connection.execute(query)).all()


async def before(
    connection: AsyncConnection, digest: bytes, *, time: datetime, change_id: int, limit: int
) -> Sequence[Row[Any]]:
    """A user's changes, newest first, from the one before (`time`, `change_id`)."""
    place = tuple_(strike_changes.c.changed_at, strike_changes.c.change_id)
    query = (
        select(strike_changes)
        .where(strike_changes.c.user_digest == digest, place < tuple_(time, change_id))
        .order_by(strike_changes.c.change_id.desc())
        .limit(limit)
    )
    return (await connection.execute(query)).all()


async def prune(connection: AsyncConnection, *, now: datetime) -> int:
    """Delete some of what is too old; gives how many."""
    old = (
        select(strike_changes.c.change_id)
        .where(strike_changes.c.changed_at < now - RETENTION)
        .limit(_PRUNE)
    )
    done = await connection.execute(
        delete(strike_changes).where(strike_changes.c.change_id.in_(old))
    )
    return done.rowcount


def _row(event: StrikesChanged) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "org_id": event.org_id,
        "user_digest": digest_of(event.org_id, event.user.type_id, event.user.id),
        "cause_id": event.cause_id.replace("\0", "\ufffd"),
        "policy_id": event.policy_id,
        "delta": event.delta,
        "total": event.total,
        "crossed": list(event.crossed),
        "changed_at": event.time,
    }
