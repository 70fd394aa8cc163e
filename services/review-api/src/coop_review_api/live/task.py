"""What people set in motion: bulk actions, exports, backtests, and how far each is.

Guarantees: one statement for everybody who listens, of what was made within a day, by index.
Must not: show somebody what another person set in motion.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.backtest.relation import BACKTESTS
from coop_review_api.enforcement.relation import BULK_JOBS
from coop_review_api.export.relation import LOG_EXPORTS
from coop_review_api.live.event import Task

_MADE_WITHIN: Final = timedelta(days=1)
_SHOWN_FOR: Final = timedelta(minutes=10)  # after the end
_MOST: Final = 20  # of one person

_TASKS = text(
    f"""
    SELECT made_by, kind, id, state, done, total, progress
      FROM (SELECT b.created_by AS made_by,
                   CASE b.kind WHEN 'ACTION' THEN 'BULK_ACTION' ELSE b.kind END AS kind,
                   b.bulk_id AS id, b.state, b.requested + b.refused AS done, b.total,
                   CAST(NULL AS double precision) AS progress, b.created_at
              FROM {BULK_JOBS.sql} AS b
             WHERE b.org_id = ANY(CAST(:orgs AS text[])) AND b.created_at > :since
               AND b.created_by = ANY(CAST(:users AS text[])) AND b.state <> 'PREVIEW'
               AND (b.finished_at IS NULL OR b.finished_at > :ended)
            UNION ALL
            SELECT e.created_by, 'EXPORT', e.export_id, e.state, e."rows", NULL, NULL, e.created_at
              FROM {LOG_EXPORTS.sql} AS e
             WHERE e.created_by = ANY(CAST(:users AS text[])) AND e.created_at > :since
               AND (e.finished_at IS NULL OR e.finished_at > :ended)
            UNION ALL
            SELECT t.created_by,
                   CASE WHEN t.retroaction_id IS NULL THEN 'BACKTEST' ELSE 'RETROACTION' END,
                   COALESCE(t.retroaction_id, t.backtest_id), t.state, t.scanned, NULL,
                   t.progress, t.created_at
              FROM {BACKTESTS.sql} AS t
             WHERE t.org_id = ANY(CAST(:orgs AS text[])) AND t.created_at > :since
               AND t.created_by = ANY(CAST(:users AS text[]))
               AND (t.state IN ('REQUESTED', 'RUNNING') OR t.updated_at > :ended)
           ) AS tasks
     ORDER BY made_by, created_at
    """  # noqa: S608 - constants; values are bound
)


async def tasks_of(
    connection: AsyncConnection, values: Mapping[str, Any], *, now: datetime
) -> dict[str, tuple[Task, ...]]:
    """By person, the latest made last. `values` has `orgs` and `users`."""
    bounds = {**values, "since": now - _MADE_WITHIN, "ended": now - _SHOWN_FOR}
    found: dict[str, dict[tuple[str, str], Task]] = {}
    for row in await connection.execute(_TASKS, bounds):
        # Of a retroaction the preview and the run are two rows: the later one counts.
        found.setdefault(row.made_by, {})[row.kind, row.id] = Task(
            kind=row.kind,
            id=row.id,
            state=row.state,
            done=row.done,
            total=row.total,
            progress=row.progress,
        )
    return {made_by: tuple(tasks.values())[-_MOST:] for made_by, tasks in found.items()}
