"""Evidence before removal: the actions of a decision that reports to NCMEC wait for its evidence.

    decided ─▶ withheld ─── the decision leaves (`hold`): the wait begins
                 ├── CybertipSecured: the media are held ──▶ outbox
                 ├── the wait is over ──▶ outbox, and people are told
                 └── undone ──▶ gone

Guarantees: what a platform is asked to do leaves once, with all that was decided, in its order;
after the evidence is held or after a bounded time, whichever is first: whatever is killed or away,
it is neither lost nor kept for ever. A row is taken by who deletes it, so twice is once.
Must not: keep back anything of a decision without such a report; say what is held.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, cast, delete, insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.event import CybertipSecured
from coop_contracts.permission import Permission
from coop_review_api.kernel import metric
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.schema import outbox
from coop_review_api.notification.kind import EvidenceLateData, NotificationKind
from coop_review_api.notification.store import News, tell
from coop_review_api.review.table import withheld_actions
from coop_runtime.database.engine import transaction
from coop_runtime.database.outbox import channel_of
from coop_runtime.kafka.message import Message, Received
from coop_runtime.process.interval import at_intervals, in_batches
from coop_runtime.process.log import logger

_BATCH: Final = 100
_EVERY: Final = 1.0  # seconds between two looks at what waited for too long

_log = logger("coop.review_api.withholding")

_LEAVE = """
    WITH due AS (
        DELETE FROM review.withheld_actions WHERE decision_id IN ({chosen})
        RETURNING decision_id, topics, keys, payloads, headers
    ), left_ AS (
        INSERT INTO review.outbox (topic, key, value, headers)
        SELECT message.topic, message.key, message.value,
               due.headers -> CAST(message.position - 1 AS int)
          FROM due, unnest(due.topics, due.keys, due.payloads)
               WITH ORDINALITY AS message (topic, key, value, position)
         ORDER BY due.decision_id, message.position
    )
    SELECT d.org_id, d.decision_id, d.job_id, d.decided_at
      FROM due JOIN review.decisions d USING (decision_id) ORDER BY d.decided_at, d.decision_id
"""
_SECURED = text(
    _LEAVE.format(
        chosen="""SELECT w.decision_id FROM review.withheld_actions w
                    JOIN unnest(CAST(:orgs AS text[]), CAST(:decisions AS text[]))
                         AS secured (org_id, decision_id) USING (org_id, decision_id)
                   ORDER BY w.decision_id FOR UPDATE OF w"""
    )
)
_OVERDUE = text(
    _LEAVE.format(
        chosen="""SELECT decision_id FROM review.withheld_actions WHERE leaves_at <= :now
                   ORDER BY leaves_at, decision_id LIMIT :batch FOR UPDATE SKIP LOCKED"""
    )
)
_NOTIFY = text("SELECT pg_notify(:channel, '')")


def columns_of(messages: Sequence[Message]) -> dict[str, list[Any]]:
    """Messages as rows keep them until they go to the outbox."""
    return {
        "topics": [message.topic for message in messages],
        "keys": [message.key for message in messages],
        "payloads": [message.value for message in messages],
        "headers": [
            [[name, value.decode()] for name, value in message.headers] for message in messages
        ],
    }


async def withhold(
    connection: AsyncConnection,
    *,
    org_id: str,
    decision_id: str,
    messages: Sequence[Message],
    wait: timedelta,
    left_at: datetime | None,
) -> None:
    """Keeps a decision's actions in the caller's transaction: for `wait` at most from when the
    decision left, which is `left_at`, or is said by `begin`."""
    await connection.execute(
        insert(withheld_actions).values(
            decision_id=decision_id,
            org_id=org_id,
            wait=wait,
            leaves_at=None if left_at is None else left_at + wait,
            **columns_of(messages),
        )
    )


async def begin(
    connection: AsyncConnection, decision_ids: Collection[str], *, now: datetime
) -> None:
    """These decisions have left: their evidence is being held from now on."""
    own = withheld_actions.c
    await connection.execute(
        update(withheld_actions)
        .where(own.decision_id.in_(decision_ids))
        .values(leaves_at=cast(now, own.leaves_at.type) + own.wait)
    )


async def forget(connection: AsyncConnection, decision_id: str) -> None:
    """The decision was undone before it left."""
    await connection.execute(
        delete(withheld_actions).where(withheld_actions.c.decision_id == decision_id)
    )


class EvidenceNews:
    """Handles batches of CybertipSecured: what waited for it leaves."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def __call__(self, batch: Sequence[Received[CybertipSecured]]) -> None:
        """Raises `Retryable`."""
        secured = {
            "orgs": [received.event.org_id for received in batch],
            "decisions": [received.event.decision_id for received in batch],
        }
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(_SECURED, secured)).all()
            await _wake(connection, rows)
        metric.WITHHELD.labels("held").inc(len(rows))


class WithheldKeeper:
    """Lets go what waited for too long, and tells people. Any number may run. `mail`: whether there
    is a server to send mails by."""

    def __init__(
        self, engine: AsyncEngine, *, clock: Clock, mail: bool, every: float = _EVERY
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._mail = mail
        self._every = every

    async def run(self) -> None:
        """Until cancelled; outages of the database are waited out."""
        await at_intervals(
            lambda: in_batches(self.release, _BATCH),
            self._every,
            postponed="withheld actions wait for the database",
        )

    async def release(self) -> int:
        """One batch of what is over; of how many decisions. Raises `Retryable`."""
        now = self._clock()
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(_OVERDUE, {"now": now, "batch": _BATCH})).all()
            for row in rows:
                news = News(
                    org_id=row.org_id,
                    cause_id=f"evidence/{row.decision_id}",
                    kind=NotificationKind.EVIDENCE_LATE,
                    data=EvidenceLateData(
                        decision_id=row.decision_id, job_id=row.job_id, decided_at=row.decided_at
                    ),
                    at=now,
                )
                await tell(
                    connection, news, permission=Permission.VIEW_CHILD_SAFETY_DATA, mail=self._mail
                )
            await _wake(connection, rows)
        for row in rows:
            _log.error(
                "actions left before the evidence was held",
                org_id=row.org_id,
                decision_id=row.decision_id,
            )
        metric.WITHHELD.labels("late").inc(len(rows))
        return len(rows)


async def _wake(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> None:
    if rows:
        await connection.execute(_NOTIFY, {"channel": channel_of(outbox)})
