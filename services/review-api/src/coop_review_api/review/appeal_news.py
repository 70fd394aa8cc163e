"""Telling people that an appeal came in against a decision or a bulk action of theirs.

    AppealSubmitted ──▶ what took the appealed actions ──▶ whose decisions, or bulk actions, those
                        are ──▶ told, if that is theirs to see now

Guarantees: of one appeal and decision (or bulk action) a person is told once, whatever comes twice,
in one transaction for each appeal; whoever may no longer read their own decisions, or may not see
child safety where the item or the decision is about it, is not told; the notification has ids of
ours and a queue's name, nothing that the platform or its user said.
Must not: wait for the appeal's job: routing makes it in its own time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import Kind, Queue
from coop_contracts.event import AppealSubmitted, ItemRef
from coop_contracts.permission import Permission
from coop_review_api.configuration.catalogue import load_documents
from coop_review_api.kernel.clock import Clock
from coop_review_api.notification.kind import AppealData, BulkAppealData, NotificationKind
from coop_review_api.notification.store import News, tell_people
from coop_review_api.review import child_safety
from coop_review_api.review.colleague import colleagues
from coop_review_api.review.decision import Origin
from coop_review_api.review.origin import Appealed, Origins
from coop_review_api.review.table import decisions
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

FRESH: Final = timedelta(days=7)
"""Of appeals that came longer ago, and are read only now, nobody is told."""


class AppealNews:
    """Handles batches of AppealSubmitted."""

    def __init__(self, engine: AsyncEngine, origins: Origins, *, clock: Clock) -> None:
        self._engine = engine
        self._origins = origins
        self._clock = clock

    async def __call__(self, batch: Sequence[Received[AppealSubmitted]]) -> None:
        """Raises `Retryable`."""
        oldest = self._clock() - FRESH
        for received in batch:
            if received.event.time >= oldest:
                async with transaction(self._engine) as connection:
                    await self._tell(connection, received.event)

    async def _tell(self, connection: AsyncConnection, event: AppealSubmitted) -> None:
        item = ItemRef(id=event.item.id, type_id=event.item.type_id)
        appealed = Appealed(org_id=event.org_id, item=item, until=event.time)
        origins = await self._origins.against(connection, appealed, event.actions_taken or None)
        told = await _of_decisions(connection, event, origins)
        told += _of_bulk_actions(origins)
        if not told:
            return
        people = await colleagues(
            connection, event.org_id, {user_id for one in told for user_id in one.user_ids}
        )
        is_grave = bool(await child_safety.grave_among(connection, event.org_id, [item]))
        # Of the platform's own id of an appeal nothing is kept.
        appeal = hashlib.blake2b(event.appeal_id.encode(), digest_size=16).hexdigest()
        for one in told:
            needs = {Permission.VIEW_MRT_DATA}
            if is_grave or one.is_grave:
                needs.add(Permission.VIEW_CHILD_SAFETY_DATA)
            found = [people[user_id] for user_id in one.user_ids if user_id in people]
            news = News(
                org_id=event.org_id,
                cause_id=f"appeal/{appeal}/{one.id}",
                kind=one.kind,
                data=one.data,
                at=self._clock(),
            )
            may_know = [person.user_id for person in found if all(map(person.may, needs))]
            await tell_people(connection, news, may_know, mail=False)


@dataclass(frozen=True, kw_only=True)
class _Told:
    id: str
    kind: NotificationKind
    data: AppealData | BulkAppealData
    user_ids: tuple[str, ...]
    is_grave: bool = False


async def _of_decisions(
    connection: AsyncConnection, event: AppealSubmitted, origins: Sequence[Origin]
) -> list[_Told]:
    ids = [origin.id for origin in origins if origin.by == "PERSON"]
    if not ids:
        return []
    own = decisions.c
    query = (
        select(own.decision_id, own.job_id, own.queue_id, own.reviewer_id, own.decided_at)
        .where(own.org_id == event.org_id, own.decision_id.in_(ids))
        .order_by(own.decision_id)
    )
    rows = (await connection.execute(query)).all()
    grave = await child_safety.grave_causes(connection, event.org_id, ids)
    queues = await load_documents(
        connection, event.org_id, {(Kind.QUEUE, row.queue_id) for row in rows}
    )
    found = []
    for row in rows:
        queue = queues.get(Kind.QUEUE, Queue, row.queue_id)
        data = AppealData(
            decision_id=row.decision_id,
            job_id=row.job_id,
            queue_name=queue.name if queue else "",
            decided_at=row.decided_at,
        )
        found.append(
            _Told(
                id=row.decision_id,
                kind=NotificationKind.APPEAL_OF_MY_DECISION,
                data=data,
                user_ids=(row.reviewer_id,),
                is_grave=row.decision_id in grave,
            )
        )
    return found


def _of_bulk_actions(origins: Sequence[Origin]) -> list[_Told]:
    """Whoever made it and whoever confirmed it: both stand behind it."""
    return [
        _Told(
            id=origin.id,
            kind=NotificationKind.APPEAL_OF_MY_BULK_ACTION,
            data=BulkAppealData(bulk_id=origin.id, started_at=origin.decided_at),
            user_ids=origin.reviewer_ids,
        )
        for origin in origins
        if origin.by == "BULK_ACTION"
    ]
