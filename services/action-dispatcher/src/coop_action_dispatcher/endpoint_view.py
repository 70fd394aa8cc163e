"""What people ask about endpoints: how each does, and what waits for it.

Guarantees: every query names its organisation; counts of what waits end at a bound.
Must not: change anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_action_dispatcher.health import percentile

COUNTED = 100_000
"""What waits or is dead is counted up to here, by organisation."""

_ENDPOINTS = text(
    """
    SELECT e.id, e.name, e.created_at, e.paused_at, e.paused_by, e.pause_reason, e.failing_since,
           e.last_failure_at, e.last_success_at, e.last_status, e.last_error, e.open_until,
           CASE WHEN e.paused_at IS NOT NULL THEN 'PAUSED'
                WHEN e.open_until IS NULL THEN 'CLOSED'
                WHEN e.probing OR e.open_until <= now() THEN 'HALF_OPEN'
                ELSE 'OPEN' END AS state,
           ARRAY(SELECT DISTINCT recent.action_id FROM (
                     SELECT r.action_id FROM dispatch.requests AS r
                     WHERE r.endpoint_id = e.id ORDER BY r.seq DESC LIMIT 100) AS recent
                 WHERE recent.action_id IS NOT NULL
                 ORDER BY 1) AS action_ids
    FROM dispatch.endpoints AS e
    WHERE e.org_id = :org AND e.name <> '' AND e.id > :after
      AND (CAST(:id AS bigint) IS NULL OR e.id = :id)
    ORDER BY e.id LIMIT :limit
    """
)

_SEEN = text(
    """
    SELECT m.endpoint_id, sum(m.attempts) AS attempts, sum(m.delivered) AS delivered,
           (SELECT array_agg(total ORDER BY position) FROM (
                SELECT position, sum(count) AS total
                FROM dispatch.endpoint_minutes AS n
                CROSS JOIN LATERAL unnest(n.latencies) WITH ORDINALITY AS bucket (count, position)
                WHERE n.endpoint_id = m.endpoint_id
                  AND n.minute >= now() - make_interval(hours => :hours)
                GROUP BY position) AS summed) AS latencies
    FROM dispatch.endpoint_minutes AS m
    WHERE m.endpoint_id = ANY(CAST(:ids AS bigint[]))
      AND m.minute >= now() - make_interval(hours => :hours)
    GROUP BY m.endpoint_id
    """
)

_UNFINISHED = text(
    """
    SELECT endpoint_id, state, count(*) AS number FROM (
        (SELECT endpoint_id, state FROM dispatch.deliveries
         WHERE org_id = :org AND state = 'PENDING' LIMIT :counted)
        UNION ALL
        (SELECT endpoint_id, state FROM dispatch.deliveries
         WHERE org_id = :org AND state = 'DEAD' LIMIT :counted)
    ) AS unfinished
    GROUP BY endpoint_id, state
    """
)


class Seen(Struct, frozen=True, kw_only=True):
    """What the attempts of a span came to. Latencies in milliseconds."""

    attempts: int = 0
    delivered: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None

    @property
    def success_rate(self) -> float | None:
        return self.delivered / self.attempts if self.attempts else None


class Endpoint(Struct, frozen=True, kw_only=True):
    """`row` as `_ENDPOINTS` selects it."""

    row: Row[Any]
    seen: Seen
    waiting: int
    dead: int


async def page(
    connection: AsyncConnection,
    org_id: str,
    *,
    hours: int,
    after: int = 0,
    limit: int,
    endpoint_id: int | None = None,
) -> list[Endpoint]:
    """The endpoints of an organisation with the health of the last hours, or the one asked for."""
    found = await connection.execute(
        _ENDPOINTS, {"org": org_id, "after": after, "limit": limit, "id": endpoint_id}
    )
    rows: Sequence[Row[Any]] = found.all()
    ids = [row.id for row in rows]
    seen = {
        row.endpoint_id: _seen(row)
        for row in await connection.execute(_SEEN, {"ids": ids, "hours": hours})
    }
    unfinished = {
        (row.endpoint_id, row.state): int(row.number)
        for row in await connection.execute(_UNFINISHED, {"org": org_id, "counted": COUNTED})
    }
    return [
        Endpoint(
            row=row,
            seen=seen.get(row.id, Seen()),
            waiting=unfinished.get((row.id, "PENDING"), 0),
            dead=unfinished.get((row.id, "DEAD"), 0),
        )
        for row in rows
    ]


def _seen(row: Row[Any]) -> Seen:
    latencies = [int(count) for count in row.latencies or ()]
    return Seen(
        attempts=int(row.attempts),
        delivered=int(row.delivered),
        p50_ms=percentile(latencies, 0.5),
        p95_ms=percentile(latencies, 0.95),
    )
