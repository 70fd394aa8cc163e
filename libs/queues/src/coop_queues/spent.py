"""Emptying jobs that were closed long ago: what they said goes, that they were there stays.

    CLOSED before the organisation's time ──▶ items and causes without a word in them, `emptied_at`
    MOVED, or REOPENED                    ──▶ with the job that goes on with them, not before

Guarantees: jobs and items that are about child safety stay as they are; who reported, when, and
what became of the job stays, so that statistics, limits and the idempotency of placing hold; a
replay of a topic places nothing again. Twice is once. Work is done in batches, each in the caller's
transaction.
Must not: touch a pending job, or what one goes on with.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Raw
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import SubmittedItem
from coop_queues.child_safety import GRAVE
from coop_queues.job import JobEntry, SpentJob

BATCH: Final = 200  # jobs
_NOTHING: Final = Raw(b"{}")
_FIRST: Final = "00000000-0000-0000-0000-000000000000"

_item = msgspec.json.Decoder(SubmittedItem)
_entry = msgspec.json.Decoder(JobEntry)
_encoder = msgspec.json.Encoder()


_SPENT = text(
    f"""
    SELECT CAST(j.job_id AS text) AS job_id, j.closed_at,
           CAST(array_append(j.moved_from, j.job_id) AS text[]) AS parts
      FROM queues.jobs j
     WHERE j.org_id = :org AND j.state = 'CLOSED' AND j.emptied_at IS NULL AND j.moved_to IS NULL
       AND j.closed_at < :before
       AND (j.closed_at, j.job_id) > (CAST(:since AS timestamptz), CAST(:after AS uuid))
       AND NOT j.csam AND NOT {GRAVE}
     ORDER BY j.closed_at, j.job_id LIMIT :batch
    """  # noqa: S608 - constants only; values are bound
)
# One that was reopened since goes on.
_TAKEN = text(
    """
    UPDATE queues.jobs SET emptied_at = :now
     WHERE org_id = :org AND job_id = ANY(CAST(:jobs AS uuid[]))
       AND state = 'CLOSED' AND moved_to IS NULL AND emptied_at IS NULL
    RETURNING CAST(array_append(moved_from, job_id) AS text[]) AS parts
    """
)
_ITEMS = text(
    "SELECT job_id, digest, body FROM queues.job_items WHERE job_id = ANY(CAST(:jobs AS uuid[]))"
)
_SAVE_ITEMS = text(
    """
    UPDATE queues.job_items i SET body = s.body
      FROM unnest(CAST(:jobs AS uuid[]), CAST(:digests AS bytea[]), CAST(:bodies AS bytea[]))
           AS s (job_id, digest, body)
     WHERE i.job_id = s.job_id AND i.digest = s.digest
    """
)
_ENTRIES = text(
    "SELECT entry_id, body FROM queues.entries"
    " WHERE org_id = :org AND job_id = ANY(CAST(:jobs AS uuid[]))"
)
_SAVE_ENTRIES = text(
    """
    UPDATE queues.entries e SET body = s.body
      FROM unnest(CAST(:ids AS text[]), CAST(:bodies AS bytea[])) AS s (entry_id, body)
     WHERE e.org_id = :org AND e.entry_id = s.entry_id
    """
)
_FORGET_WHY = text(
    """
    UPDATE queues.keepings SET reason = NULL
     WHERE job_id = ANY(CAST(:jobs AS uuid[])) AND reason IS NOT NULL
    """
)


async def spent_jobs(
    connection: AsyncConnection,
    org_id: str,
    *,
    before: datetime,
    after: SpentJob | None = None,
    batch: int = BATCH,
) -> list[SpentJob]:
    """Jobs that closed before then and still say something, the oldest first, behind `after`."""
    rows = await connection.execute(
        _SPENT,
        {
            "org": org_id,
            "before": before,
            "since": "-infinity" if after is None else after.closed_at.isoformat(),
            "after": _FIRST if after is None else after.job_id,
            "batch": batch,
        },
    )
    return [
        SpentJob(job_id=row.job_id, closed_at=row.closed_at, parts=tuple(row.parts)) for row in rows
    ]


async def empty_spent(
    connection: AsyncConnection, org_id: str, job_ids: Iterable[str], *, now: datetime
) -> int:
    """Empties these jobs, and those whose history they went on with; how many there were."""
    asked = {"org": org_id, "jobs": list(job_ids), "now": now}
    taken = (await connection.execute(_TAKEN, asked)).all()
    jobs = {"jobs": [part for row in taken for part in row.parts]}
    if not taken:
        return 0
    items = (await connection.execute(_ITEMS, jobs)).all()
    await connection.execute(
        _SAVE_ITEMS,
        {
            "jobs": [str(row.job_id) for row in items],
            "digests": [row.digest for row in items],
            "bodies": [_encoder.encode(_without_data(_item.decode(row.body))) for row in items],
        },
    )
    entries = (await connection.execute(_ENTRIES, {**jobs, "org": org_id})).all()
    await connection.execute(
        _SAVE_ENTRIES,
        {
            "org": org_id,
            "ids": [row.entry_id for row in entries],
            "bodies": [_encoder.encode(_without_words(_entry.decode(row.body))) for row in entries],
        },
    )
    await connection.execute(_FORGET_WHY, jobs)
    return len(taken)


def _without_data(item: SubmittedItem) -> SubmittedItem:
    return msgspec.structs.replace(item, data=_NOTHING, erased=True)


def _without_words(entry: JobEntry) -> JobEntry:
    report, appeal = entry.report, entry.appeal
    return msgspec.structs.replace(
        entry,
        report=None if report is None else msgspec.structs.replace(report, reason=None),
        appeal=None if appeal is None else msgspec.structs.replace(appeal, reason=None),
        note=None,
        routing=msgspec.structs.replace(entry.routing, signals=()),
    )
