"""What became of the reports that somebody made.

Guarantees: scoped by organisation; one statement for all that are asked for; of each reporter at
most `MOST` reports are read, so whoever made more of them is counted by a part.
Must not: be shown to who may not read what was decided.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_queues.reading import ENTRIES, JOBS, reporter_key
from coop_review_api.review.relation import DECISIONS

MOST: Final = 1000
SPAN: Final = timedelta(days=30)

_RECORDS = text(
    f"""
    WITH RECURSIVE reported AS (
        SELECT r.key, e.job_id
          FROM unnest(CAST(:keys AS uuid[])) AS r (key)
         CROSS JOIN LATERAL (
            SELECT job_id, placed_at FROM {ENTRIES}
             WHERE org_id = :org AND reporter_key = r.key LIMIT :most) AS e
         WHERE e.placed_at >= :since
    ), went (key, first_id, job_id) AS (
        SELECT key, job_id, job_id FROM reported
        UNION
        SELECT w.key, w.first_id, j.moved_to FROM went w
          JOIN {JOBS} j ON j.job_id = w.job_id WHERE j.moved_to IS NOT NULL
    ), upheld AS (
        SELECT DISTINCT w.key, w.first_id FROM went w
          JOIN {DECISIONS.sql} d ON d.job_id = CAST(w.job_id AS text)
         WHERE d.org_id = :org AND d.undone_at IS NULL
           AND (d.executions <> '[]' OR (d.came_from IS NOT NULL
                AND d.components @> '[{{"type": "CUSTOM_ACTION"}}]'))
    )
    SELECT r.key, count(*) AS reports, count(u.first_id) AS upheld
      FROM reported r LEFT JOIN upheld u ON u.key = r.key AND u.first_id = r.job_id
     GROUP BY r.key
    """  # noqa: S608 - constants; values are bound
)


@dataclass(frozen=True, kw_only=True)
class ReportRecord:
    """How many reports somebody made within `SPAN`, and to how many of them a reviewer acted."""

    reports: int = 0
    upheld: int = 0


async def records_of(
    connection: AsyncConnection, org_id: str, reporters: Collection[ItemRef], *, now: datetime
) -> dict[ItemRef, ReportRecord]:
    """By reporter; each has one."""
    by_key = {reporter_key(one.type_id, one.id): one for one in reporters}
    found = {one: ReportRecord() for one in reporters}
    if not by_key:
        return found
    asked = {"org": org_id, "keys": list(by_key), "since": now - SPAN, "most": MOST}
    for row in await connection.execute(_RECORDS, asked):
        found[by_key[str(row.key)]] = ReportRecord(reports=row.reports, upheld=row.upheld)
    return found
