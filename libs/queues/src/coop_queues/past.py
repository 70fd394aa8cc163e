"""Jobs that were decided elsewhere, before an organisation came here: history from the start.

    a job of another system's ──▶ CLOSED, under the id that it had there

Guarantees: a past job is in no slot, so it neither joins what is pending nor changes which job
comes next for its item; nobody is told of it; what it holds is forgotten and kept secret as that of
any closed job, by the times that it had; kept once, the same id again changes nothing; what was of
a user who was erased comes without what it said.
Must not: commit; be used for a job that somebody still has to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues import erased
from coop_queues import slot as slots
from coop_queues.child_safety import add_grave
from coop_queues.growth import columns
from coop_queues.job import CloseCause, JobKind, Placement
from coop_queues.place import appellant_of, insert_items, reporter_of

_encoder = msgspec.json.Encoder()
_NO_GENERATION: Final = 0  # those of slots begin at 1


class PastJob(Struct, frozen=True, kw_only=True):
    """A job and its causes, one at least, all of one item, queue and kind, the oldest first.
    `job_id` is a UUID; `closed_by` who decided it."""

    job_id: str
    placements: tuple[Placement, ...]
    closed_at: datetime
    closed_by: str
    close_reason: CloseCause


_JOBS = text(
    """
    INSERT INTO queues.jobs (job_id, org_id, queue_id, kind, item_key, item_type_id, item_id,
        generation, state, source, policy_ids, csam, entry_count, report_count, reporter_count,
        rank, created_at, enqueued_at, subject_key, closed_at, closed_by, close_reason)
    SELECT p.job_id, p.org_id, p.queue_id, p.kind, p.item_key, p.item_type_id, p.item_id,
           p.generation, 'CLOSED', p.source,
           ARRAY(SELECT jsonb_array_elements_text(CAST(p.policy_ids AS jsonb))), p.csam,
           p.entry_count, p.report_count, p.reporter_count, 0, p.created_at, p.created_at,
           p.subject_key, p.closed_at, p.closed_by, p.close_reason
      FROM unnest(CAST(:job_id AS uuid[]), CAST(:org_id AS text[]), CAST(:queue_id AS text[]),
                  CAST(:kind AS text[]), CAST(:item_key AS uuid[]), CAST(:item_type_id AS text[]),
                  CAST(:item_id AS text[]), CAST(:generation AS int[]), CAST(:source AS text[]),
                  CAST(:policy_ids AS text[]), CAST(:csam AS bool[]), CAST(:entry_count AS int[]),
                  CAST(:report_count AS int[]), CAST(:reporter_count AS int[]),
                  CAST(:created_at AS timestamptz[]), CAST(:subject_key AS uuid[]),
                  CAST(:closed_at AS timestamptz[]), CAST(:closed_by AS text[]),
                  CAST(:close_reason AS text[]))
        AS p (job_id, org_id, queue_id, kind, item_key, item_type_id, item_id, generation, source,
              policy_ids, csam, entry_count, report_count, reporter_count, created_at, subject_key,
              closed_at, closed_by, close_reason)
     ORDER BY p.job_id
    ON CONFLICT (job_id) DO NOTHING
    RETURNING CAST(job_id AS text)
    """
)
_ENTRIES = text(
    """
    INSERT INTO queues.entries
           (org_id, entry_id, job_id, reporter_key, appellant_key, placed_at, body)
    SELECT p.org_id, p.entry_id, p.job_id, p.reporter_key, p.appellant_key, p.placed_at, p.body
      FROM unnest(
        CAST(:org_id AS text[]), CAST(:entry_id AS text[]), CAST(:job_id AS uuid[]),
        CAST(:reporter_key AS uuid[]), CAST(:appellant_key AS uuid[]),
        CAST(:placed_at AS timestamptz[]), CAST(:body AS bytea[])) WITH ORDINALITY
        AS p (org_id, entry_id, job_id, reporter_key, appellant_key, placed_at, body, number)
     ORDER BY p.number
    ON CONFLICT (org_id, entry_id) DO NOTHING
    RETURNING 1
    """
)


async def keep_past(connection: AsyncConnection, past: Sequence[PastJob]) -> set[str]:
    """Keeps them, in the caller's transaction; the ids of those that were not there.

    Raises UnstorableId before anything is written.
    """
    if not past:
        return set()
    late = await erased.late(connection, [p for one in past for p in one.placements])
    if late:
        past = [_without(one, late) for one in past]
    rows = await columns(connection, _JOBS, [_row(one) for one in past])
    new = {job_id for (job_id,) in rows}
    placed = [(one.job_id, p) for one in past if one.job_id in new for p in one.placements]
    if placed:
        await columns(connection, _ENTRIES, [_entry(*each) for each in placed])
        await insert_items(connection, placed)
        grave = sorted({job_id for job_id, p in placed if _is_grave(p)})
        if grave:
            await add_grave(connection, grave)
    return new


def _without(one: PastJob, late: erased.Late) -> PastJob:
    return msgspec.structs.replace(
        one, placements=tuple(erased.without(p, late) for p in one.placements)
    )


def _is_grave(placement: Placement) -> bool:
    return placement.entry.csam or placement.kind is JobKind.NCMEC


def _row(one: PastJob) -> dict[str, Any]:
    first = one.placements[0]
    entries = [p.entry for p in one.placements]
    policies = {policy.replace("\x00", "\ufffd") for e in entries for policy in e.policy_ids}
    slot = slots.slot_of(
        first.org_id, first.queue_id, first.kind, first.item.type_id, first.item.id
    )
    return {
        "job_id": one.job_id,
        **slot._asdict(),
        "item_type_id": first.item.type_id,
        "item_id": first.item.id,
        "generation": _NO_GENERATION,
        "source": first.entry.source,
        "policy_ids": _encoder.encode(sorted(policies)).decode(),
        "csam": any(map(_is_grave, one.placements)),
        "entry_count": len(entries),
        "report_count": sum(entry.report is not None for entry in entries),
        "reporter_count": len({reporter_of(entry) for entry in entries} - {None}),
        "created_at": min(entry.at for entry in entries),
        "subject_key": erased.author_key(first.item),
        "closed_at": one.closed_at,
        "closed_by": one.closed_by,
        "close_reason": one.close_reason,
    }


def _entry(job_id: str, placement: Placement) -> dict[str, Any]:
    entry = placement.entry
    slots.storable(entry.entry_id)
    return {
        "org_id": placement.org_id,
        "entry_id": entry.entry_id,
        "job_id": job_id,
        "reporter_key": reporter_of(entry),
        "appellant_key": appellant_of(entry),
        "placed_at": entry.at,
        "body": _encoder.encode(entry),
    }
