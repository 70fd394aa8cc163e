"""The statements of `lease`. Data only."""

from __future__ import annotations

from sqlalchemy import text

_SENDABLE = "d.state = 'PENDING' AND d.head AND d.lease_owner IS NULL"

# The endpoints with work and when each has the next, found by jumping from one to the next in the
# index `deliveries_due` (https://wiki.postgresql.org/wiki/Loose_indexscan): the cost follows the
# endpoints that have work, not the deliveries that wait.
LANES = text(
    f"""
    WITH RECURSIVE lane (endpoint_id, due_at) AS (
        (SELECT d.endpoint_id, d.next_attempt_at FROM dispatch.deliveries AS d
         WHERE {_SENDABLE} ORDER BY d.endpoint_id, d.next_attempt_at LIMIT 1)
        UNION ALL
        SELECT following.endpoint_id, following.next_attempt_at
        FROM lane CROSS JOIN LATERAL (
            SELECT d.endpoint_id, d.next_attempt_at FROM dispatch.deliveries AS d
            WHERE {_SENDABLE} AND d.endpoint_id > lane.endpoint_id
            ORDER BY d.endpoint_id, d.next_attempt_at LIMIT 1
        ) AS following
    )
    SELECT lane.endpoint_id, e.org_id, e.open_until IS NOT NULL AS open,
           EXTRACT(epoch FROM lane.due_at - now())::float8 AS due_in,
           EXTRACT(epoch FROM GREATEST(lane.due_at, e.open_until) - clock_timestamp())::float8
               AS sendable_in
    FROM lane JOIN dispatch.endpoints AS e ON e.id = lane.endpoint_id
    WHERE e.paused_at IS NULL
    """  # noqa: S608 - made of constants
)

DUE = text(
    f"""
    SELECT chosen.endpoint_id, due.seq
    FROM unnest(CAST(:endpoints AS bigint[]), CAST(:rooms AS integer[]))
         AS chosen (endpoint_id, room)
    CROSS JOIN LATERAL (
        SELECT d.seq FROM dispatch.deliveries AS d
        WHERE d.endpoint_id = chosen.endpoint_id AND {_SENDABLE} AND d.next_attempt_at <= now()
        ORDER BY d.next_attempt_at LIMIT chosen.room
    ) AS due
    """  # noqa: S608 - made of constants
)

# By the primary key alone: with a condition of the partial indexes the planner, whose statistics
# know little of what is pending just now, would read all that is pending.
TAKE = text(
    """
    WITH locked AS MATERIALIZED (
        SELECT seq, state, head, lease_owner FROM dispatch.deliveries
        WHERE seq = ANY(CAST(:seqs AS bigint[]))
        FOR UPDATE SKIP LOCKED
    ),
    taken AS (
        UPDATE dispatch.deliveries AS d
        SET lease_owner = CAST(:owner AS uuid),
            leased_until = now() + make_interval(secs => :lease)
        FROM locked
        WHERE d.seq = locked.seq
          AND locked.state = 'PENDING' AND locked.head AND locked.lease_owner IS NULL
        RETURNING d.seq, d.execution_id, d.org_id, d.endpoint_id, d.item_digest, d.attempts,
                  d.attempts_before, EXTRACT(epoch FROM now() - d.created_at)::float8 AS age
    )
    SELECT taken.*, r.request, r.body, r.traceparent
    FROM taken JOIN dispatch.requests AS r USING (seq)
    """
)

BEAT = text(
    """
    INSERT INTO dispatch.owners (id) VALUES (CAST(:owner AS uuid))
    ON CONFLICT (id) DO UPDATE SET heartbeat_at = now()
    """
)

RECLAIM = text(
    """
    WITH lost AS MATERIALIZED (
        SELECT d.seq FROM dispatch.deliveries AS d
        WHERE d.lease_owner IS NOT NULL AND CASE
            WHEN d.lease_owner = CAST(:owner AS uuid)
                THEN d.seq <> ALL(CAST(:under_way AS bigint[]))
            ELSE d.leased_until < now() OR NOT EXISTS (
                SELECT 1 FROM dispatch.owners AS o
                WHERE o.id = d.lease_owner
                  AND o.heartbeat_at > now() - make_interval(secs => :owner_timeout))
            END
        FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE dispatch.deliveries AS d SET lease_owner = NULL, leased_until = NULL
    FROM lost WHERE d.seq = lost.seq
    """
)

FORGET_OWNERS = text("DELETE FROM dispatch.owners WHERE heartbeat_at < now() - interval '1 hour'")

RETIRE = (
    text(
        """
        UPDATE dispatch.deliveries SET lease_owner = NULL, leased_until = NULL
        WHERE lease_owner = CAST(:owner AS uuid)
        """
    ),
    text("DELETE FROM dispatch.owners WHERE id = CAST(:owner AS uuid)"),
)

RELEASE_HELD = text(
    """
    WITH held AS MATERIALIZED (
        SELECT seq FROM dispatch.deliveries
        WHERE org_id = ANY(CAST(:orgs AS text[])) AND state = 'PENDING' AND held
          AND lease_owner IS NULL
        ORDER BY seq FOR UPDATE
    )
    UPDATE dispatch.deliveries AS d SET next_attempt_at = now()
    FROM held WHERE d.seq = held.seq
    """
)

# Deliveries that wait for an endpoint which their action, or the settings for such a callback, do
# not lead to any more.
MOVE = text(
    """
    WITH misled AS MATERIALIZED (
        SELECT d.seq, action.endpoint_id
        FROM dispatch.deliveries AS d
        JOIN dispatch.requests AS r ON r.seq = d.seq
        JOIN unnest(CAST(:actions AS text[]), CAST(:endpoints AS bigint[]))
             AS action (id, endpoint_id)
             ON action.id = COALESCE(r.action_id, r.kind)
        WHERE d.org_id = :org AND d.state = 'PENDING' AND d.seq > :after
          AND d.lease_owner IS NULL AND d.endpoint_id = ANY(CAST(:blocked AS bigint[]))
          AND d.endpoint_id <> action.endpoint_id
        ORDER BY d.seq LIMIT :limit
        FOR UPDATE OF d SKIP LOCKED
    ),
    moved AS (
        UPDATE dispatch.deliveries AS d
        SET endpoint_id = misled.endpoint_id, next_attempt_at = now()
        FROM misled WHERE d.seq = misled.seq
        RETURNING d.seq, d.endpoint_id
    ),
    told AS (
        UPDATE dispatch.requests AS r SET endpoint_id = moved.endpoint_id
        FROM moved WHERE r.seq = moved.seq
    )
    SELECT count(*), max(seq) FROM moved
    """
)

# The oldest by its number, found organisation by organisation: each has its own in front.
BACKLOG = text(
    """
    WITH RECURSIVE org (org_id) AS (
        (SELECT org_id FROM dispatch.deliveries WHERE state <> 'DELIVERED'
         ORDER BY org_id LIMIT 1)
        UNION ALL
        SELECT (SELECT d.org_id FROM dispatch.deliveries AS d
                WHERE d.state <> 'DELIVERED' AND d.org_id > org.org_id
                ORDER BY d.org_id LIMIT 1)
        FROM org WHERE org.org_id IS NOT NULL
    )
    SELECT (SELECT count(*) FROM dispatch.deliveries
            WHERE state = 'PENDING' AND state <> 'DELIVERED'),
           COALESCE((
               SELECT EXTRACT(epoch FROM now() - d.created_at)::float8
               FROM org CROSS JOIN LATERAL (
                   SELECT first.seq FROM dispatch.deliveries AS first
                   WHERE first.org_id = org.org_id AND first.state = 'PENDING'
                     AND first.state <> 'DELIVERED'
                   ORDER BY first.seq LIMIT 1
               ) AS oldest
               JOIN dispatch.deliveries AS d ON d.seq = oldest.seq
               ORDER BY oldest.seq LIMIT 1
           ), 0)
    """
)
