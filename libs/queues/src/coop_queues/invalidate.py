"""Reports that count no longer, because of who made them.

    affected     pending jobs with reports of a reporter, in order, a batch at a time
    scrub        takes the reporter's reports out of some of them

Guarantees: an entry is marked, not deleted: a replay of its event places nothing; numbers of
reports and reporters fall with it, and the job's turn is given anew; jobs of child-abuse material
are left alone, whoever reported them. A job is scrubbed under its slot's lock, so that what merges
at this moment is either there before, or counted after.
Must not: commit, or talk to Redis; or close what is left without a cause: the caller does, in the
same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_queues import slot as slots
from coop_queues.child_safety import GRAVE
from coop_queues.close import slot_of_job
from coop_queues.job import JobEntry, JobSummary, Scrubbed, ScrubbedJob
from coop_queues.lookup import HISTORY_LIMIT, SUMMARY_SQL, summary_of
from coop_queues.ranking import UNRANKED

_decoder = msgspec.json.Decoder(JobEntry)

_NO_JOB = "00000000-0000-0000-0000-000000000000"

# A moved job's entries stay with the job they came to first: follow it to where it is now.
_AFFECTED = text(
    f"""
    WITH RECURSIVE reported AS (
        SELECT DISTINCT e.job_id FROM queues.entries e
         WHERE e.org_id = :org AND e.reporter_key = :reporter AND e.invalidated_at IS NULL
           AND e.job_id > CAST(:after AS uuid)
         ORDER BY e.job_id LIMIT :limit
    ), chain (origin, job_id) AS (
        SELECT job_id, job_id FROM reported
        UNION
        SELECT c.origin, j.moved_to FROM chain c JOIN queues.jobs j ON j.job_id = c.job_id
         WHERE j.moved_to IS NOT NULL
    )
    SELECT r.job_id AS origin, {SUMMARY_SQL}
      FROM reported r
      LEFT JOIN (chain c JOIN queues.jobs j
                   ON j.job_id = c.job_id AND j.org_id = :org AND j.state = 'PENDING'
                  AND NOT {GRAVE} AND j.kind = 'DEFAULT') ON c.origin = r.job_id
     ORDER BY r.job_id
    """  # noqa: S608 - constants only; values are bound
)

# The rows' locks: who claims passes over them until this transaction ends.
_REPORTED = text(
    f"""
    WITH job AS (
        SELECT j.* FROM queues.jobs j
         WHERE j.org_id = :org AND j.job_id = ANY(CAST(:jobs AS uuid[])) AND j.state = 'PENDING'
           AND NOT {GRAVE} AND j.kind = 'DEFAULT'
         ORDER BY j.job_id FOR NO KEY UPDATE
    )
    SELECT {SUMMARY_SQL}, r.reports,
           coalesce(j.lease_expires_at > clock_timestamp() AND j.lease_holder <> :by, false) AS held
      FROM job j
     CROSS JOIN LATERAL (
           SELECT count(*) AS reports FROM queues.entries e
            WHERE e.org_id = :org AND e.reporter_key = :reporter AND e.invalidated_at IS NULL
              AND e.job_id = ANY(array_append(j.moved_from, j.job_id))) AS r
     WHERE r.reports > 0
     ORDER BY j.job_id
    """  # noqa: S608 - constants only; values are bound
)

_MARK = text(
    """
    UPDATE queues.entries
       SET invalidated_at = :now, invalidated_by = :by, invalidation_reason = :reason
     WHERE org_id = :org AND reporter_key = :reporter AND invalidated_at IS NULL
       AND job_id = ANY(CAST(:parts AS uuid[]))
    """
)

# A ranking that no queue has: the job gets its turn anew.
_LESS = text(
    f"""
    UPDATE queues.jobs j
       SET revision = j.revision + 1, entry_count = j.entry_count - :removed,
           report_count = j.report_count - :removed,
           reporter_count = greatest(0, j.reporter_count - 1),
           policy_ids = coalesce(CAST(:policy_ids AS text[]), j.policy_ids),
           ranking = {UNRANKED}
     WHERE j.org_id = :org AND j.job_id = :job AND j.state = 'PENDING'
    RETURNING {SUMMARY_SQL}
    """  # noqa: S608
)

_LEFT = text(
    """
    SELECT e.body FROM queues.entries e
     WHERE e.org_id = :org AND e.job_id = ANY(CAST(:parts AS uuid[])) AND e.invalidated_at IS NULL
     LIMIT :limit
    """
)


async def affected(
    connection: AsyncConnection,
    org_id: str,
    reporter: ItemRef,
    *,
    after: str | None,
    limit: int,
) -> tuple[list[JobSummary], str | None]:
    """Pending jobs with reports of this reporter, and where to go on (None: that was all).

    Looks at up to `limit` jobs that the reporter ever reported, the closed ones too.
    """
    parameters = {
        "org": org_id,
        "reporter": slots.reporter_key(reporter.type_id, reporter.id),
        "after": after or _NO_JOB,
        "limit": limit,
    }
    rows = (await connection.execute(_AFFECTED, parameters)).mappings().all()
    found: dict[str, JobSummary] = {}
    for row in rows:
        values = dict(row)
        del values["origin"]
        if values["job_id"] is not None:
            summary = summary_of(values)
            found[summary.job_id] = summary
    origins = {str(row["origin"]) for row in rows}
    return list(found.values()), max(origins) if len(origins) == limit else None


async def scrub(
    connection: AsyncConnection,
    org_id: str,
    found: Sequence[JobSummary],
    reporter: ItemRef,
    *,
    by: str,
    reason: str | None,
    now: datetime,
) -> Scrubbed:
    """Takes the reporter's reports out of those of the jobs that are pending at this moment.

    A job that would have no cause left while somebody other than `by` holds it is left as it is;
    nobody can claim the others before the transaction ends. Jobs without such reports are not in
    the answer.
    """
    if not found:
        return Scrubbed(jobs=(), held=0)
    await slots.lock(connection, [slot_of_job(summary) for summary in found])
    scope = {
        "org": org_id,
        "reporter": slots.reporter_key(reporter.type_id, reporter.id),
        "jobs": [summary.job_id for summary in found],
        "by": by,
    }
    rows = (await connection.execute(_REPORTED, scope)).mappings().all()
    kept: list[JobSummary] = []
    taken: list[tuple[JobSummary, int]] = []
    for row in rows:
        values = dict(row)
        reports, held = values.pop("reports"), values.pop("held")
        summary = summary_of(values)
        spared = held and reports >= summary.entry_count
        if spared:
            kept.append(summary)
        else:
            taken.append((summary, reports))
    mark = {**scope, "reason": reason, "now": now}
    mark["parts"] = [part for s, _ in taken for part in (s.job_id, *s.moved_from)]
    await connection.execute(_MARK, mark)
    jobs = [await _lessen(connection, summary, reports) for summary, reports in taken]
    return Scrubbed(jobs=tuple(jobs), held=len(kept))


async def _lessen(connection: AsyncConnection, summary: JobSummary, removed: int) -> ScrubbedJob:
    row = await connection.execute(
        _LESS,
        {
            "org": summary.org_id,
            "job": summary.job_id,
            "removed": removed,
            "policy_ids": await _policies(connection, summary),
        },
    )
    left = summary_of(dict(row.mappings().one()))
    return ScrubbedJob(summary=left, removed=removed)


async def _policies(connection: AsyncConnection, summary: JobSummary) -> list[str] | None:
    """Those of the entries that are left; None where there are too many to read: then all stay."""
    parameters = {
        "org": summary.org_id,
        "parts": [summary.job_id, *summary.moved_from],
        "limit": HISTORY_LIMIT + 1,
    }
    bodies = list(await connection.scalars(_LEFT, parameters))
    if len(bodies) > HISTORY_LIMIT:
        return None
    policies = {policy for body in bodies for policy in _decoder.decode(body).policy_ids}
    return sorted(policy.replace("\x00", "\ufffd") for policy in policies)
