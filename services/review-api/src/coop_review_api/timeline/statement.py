"""The statements by which a timeline's sources are read, each by an index and bounded.

Guarantees: every one names the organisation; reads no more jobs, evaluations or actions than it is
given as a limit; begins at (`:at`, `:key`).
Must not: be made of anything but names of ours.
"""

from __future__ import annotations

from typing import Final, Literal

from sqlalchemy import TextClause, text

from coop_queues.reading import ENTRIES, GRAVE, JOBS, KEEPINGS, grave_of
from coop_review_api.projection.relation import (
    DELIVERIES,
    EVALUATIONS,
    RECENT_SUBMISSIONS,
    REQUESTED_ACTIONS,
    SUBMISSIONS,
)

Of = Literal["ITEM", "USER"]

_BEFORE: Final = "({0}.time, {1}) < (CAST(:at AS timestamptz), CAST(:key AS text))"


def _about(key: str) -> str:
    """Jobs that came before, the newest first."""
    return f"""WITH about AS (
            SELECT j.job_id, j.queue_id, j.kind, j.enqueued_at, j.item_type_id, j.item_id,
                   {GRAVE} AS csam
              FROM {JOBS} j
             WHERE j.org_id = :org AND j.{key} = CAST(:subject AS uuid)
               AND j.state = ANY(CAST(:states AS text[]))
               AND (CAST(:queues AS text[]) IS NULL OR j.queue_id = ANY(CAST(:queues AS text[])))
               AND j.enqueued_at <= CAST(:at AS timestamptz)
             ORDER BY j.enqueued_at DESC LIMIT :jobs
        )"""  # noqa: S608 - constants; values are bound


def _entries(key: str) -> TextClause:
    """Causes of jobs, from the jobs that came before."""
    return text(
        f"""
        {_about(key)}
        SELECT a.job_id, a.queue_id, a.kind, a.item_type_id, a.item_id, a.csam, e.entry_id,
               e.placed_at AS time, e.body, e.invalidated_at,
               (SELECT min(enqueued_at) FROM about HAVING count(*) = :jobs) AS reached
          FROM about a
         CROSS JOIN LATERAL (
            SELECT entry_id, placed_at, body, invalidated_at FROM {ENTRIES}
             WHERE org_id = :org AND job_id = a.job_id
               AND (placed_at, entry_id) < (CAST(:at AS timestamptz), CAST(:key AS text))
             ORDER BY position DESC LIMIT :limit) e
         WHERE :child_safety OR NOT a.csam
         ORDER BY e.placed_at DESC, e.entry_id DESC LIMIT :limit
        """  # noqa: S608 - constants; values are bound
    )


def _keepings(key: str) -> TextClause:
    """The times that jobs were kept, where they began, from the jobs that came before."""
    return text(
        f"""
        {_about(key)}
        SELECT a.job_id, a.queue_id, a.item_type_id, a.item_id, a.csam, k.*,
               (SELECT min(enqueued_at) FROM about HAVING count(*) = :jobs) AS reached
          FROM about a
         CROSS JOIN LATERAL (
            SELECT k.since AS time, k.job_id || '/' || k.number AS key, k.kept_as, k.person_id,
                   k.reason, k.kept_by, k.until, k.ended_at, k.ended_by, k.outcome
              FROM {KEEPINGS} k
             WHERE k.job_id = a.job_id AND k.org_id = :org
               AND (k.since, k.job_id || '/' || k.number)
                   < (CAST(:at AS timestamptz), CAST(:key AS text))
             ORDER BY 1 DESC, 2 DESC LIMIT :limit) k
         WHERE :child_safety OR NOT a.csam
         ORDER BY k.time DESC, k.key DESC LIMIT :limit
        """  # noqa: S608 - constants; values are bound
    )


KEEPINGS_OF: Final = {"ITEM": _keepings("item_key"), "USER": _keepings("subject_key")}
ENTRIES_OF: Final = {"ITEM": _entries("item_key"), "USER": _entries("subject_key")}

_LANED: Final = "(e.submission_id || '/' || e.lane)"
_SHOWN: Final = f"""e.time, {_LANED} AS key, e.item_type_id, e.item_id, {grave_of("e")} AS csam,
    CASE WHEN e.matched THEN e.event END AS event"""


def _owned(submissions: str) -> str:
    """The newest submissions of a user."""
    return f"""(SELECT submission_id, time FROM {submissions} s
        WHERE s.org_id = :org AND s.owner_key = CAST(:subject AS uuid)
          AND s.time <= CAST(:at AS timestamptz) ORDER BY s.time DESC LIMIT :limit)"""  # noqa: S608


EVALUATIONS_OF: Final = {
    "ITEM": text(
        f"""
        SELECT {_SHOWN} FROM {EVALUATIONS.sql} e
         WHERE e.org_id = :org AND e.item_key = CAST(:subject AS uuid)
           AND e.time <= CAST(:at AS timestamptz) AND {_BEFORE.format("e", _LANED)}
         ORDER BY e.time DESC, {_LANED} DESC LIMIT :limit
        """  # noqa: S608
    ),
    "USER": text(
        f"""
        SELECT s.time, coalesce({_LANED}, s.submission_id) AS key, e.item_type_id, e.item_id,
               {grave_of("e")} AS csam, CASE WHEN e.matched THEN e.event END AS event
          FROM ({" UNION ".join(map(_owned, (SUBMISSIONS.sql, RECENT_SUBMISSIONS.sql)))}) s
          LEFT JOIN {EVALUATIONS.sql} e
            ON e.org_id = :org AND e.submission_id = s.submission_id AND e.time = s.time
           AND {_BEFORE.format("e", _LANED)}
         ORDER BY s.time DESC, key DESC LIMIT :limit
        """  # noqa: S608
    ),
}


def _requested(condition: str) -> str:
    return f"""(SELECT a.* FROM {REQUESTED_ACTIONS.sql} a
        WHERE a.org_id = :org AND {condition} AND a.time <= CAST(:at AS timestamptz)
          AND {_BEFORE.format("a", "a.execution_id")}
        ORDER BY a.time DESC, a.execution_id DESC LIMIT :limit)"""  # noqa: S608


def _deliveries(*conditions: str) -> TextClause:
    """What became of the actions that were asked for, where they were asked for."""
    asked = " UNION ".join(map(_requested, conditions))
    return text(
        f"""
        SELECT a.time, a.execution_id AS key, a.action_id, a.item_type_id, a.item_id,
               {grave_of("a")} AS csam, d.state, d.attempts, d.status, d.error, d.time AS ended_at
          FROM ({asked}) a
          LEFT JOIN LATERAL (
            SELECT * FROM {DELIVERIES.sql} d
             WHERE d.org_id = :org AND d.execution_id = a.execution_id
             ORDER BY d.time DESC LIMIT 1) d ON true
         ORDER BY a.time DESC, a.execution_id DESC LIMIT :limit
        """  # noqa: S608
    )


_ON_ITEM: Final = "a.item_key = CAST(:subject AS uuid)"
DELIVERIES_OF: Final = {
    "ITEM": _deliveries(_ON_ITEM),
    "USER": _deliveries(_ON_ITEM, "a.creator_key = CAST(:subject AS uuid)"),
}
