"""The statements of `store`, over the columns of `store_column`. Data only."""

from __future__ import annotations

from sqlalchemy import text

from coop_action_dispatcher.store_column import ATTEMPTS, ENDS, NEW, PLACES, RESULTS, RULES
from coop_runtime.database.column import unnest

HEADS = text(
    """
    SELECT item_digest FROM dispatch.deliveries
    WHERE item_digest = ANY(CAST(:digests AS bytea[])) AND state = 'PENDING' AND head
    ORDER BY seq FOR UPDATE
    """
)

KNOWN = text(
    """
    SELECT execution_id FROM dispatch.requests
    WHERE execution_id = ANY(CAST(:ids AS uuid[]))
    """
)

INSERT = text(
    f"""
    WITH new AS MATERIALIZED (
        SELECT * FROM {unnest("new", NEW, PLACES)}
    ),
    asked AS (
        INSERT INTO dispatch.requests
            (execution_id, org_id, action_id, item_type_id, item_id, item_digest, endpoint_id,
             request, body, traceparent, kind)
        SELECT execution_id, org_id, action_id, item_type_id, item_id, item_digest, endpoint_id,
               request, body, traceparent, kind
        FROM new ORDER BY item_digest, position
        ON CONFLICT (execution_id) DO NOTHING
        RETURNING seq, execution_id
    ),
    made AS (
        INSERT INTO dispatch.deliveries
            (seq, execution_id, org_id, item_digest, endpoint_id, head, lease_owner, leased_until)
        SELECT asked.seq, asked.execution_id, new.org_id, new.item_digest, new.endpoint_id,
               new.head,
               CASE WHEN new.leased THEN CAST(:owner AS uuid) END,
               CASE WHEN new.leased THEN now() + make_interval(secs => :lease) END
        FROM asked JOIN new USING (execution_id)
        RETURNING seq, execution_id
    ),
    ruled AS (
        INSERT INTO dispatch.rule_executions (org_id, rule_id, seq)
        SELECT DISTINCT rule.org_id, rule.rule_id, asked.seq
        FROM {unnest("rule", RULES)}
        JOIN asked USING (execution_id)
    )
    SELECT seq, execution_id FROM made
    """  # noqa: S608 - made of constants
)

# Whoever holds the leases by now. By the primary key alone: the index of leases has an entry, dead
# until the next vacuum, for every delivery of the last minutes.
LOCK = text(
    """
    SELECT seq FROM dispatch.deliveries
    WHERE seq = ANY(CAST(:seqs AS bigint[])) ORDER BY seq FOR UPDATE
    """
)

# A statement of its own after the lock: it must see what those who held the lock have added.
# `follower` is fed by `recorded`, so that an item's head has ended before the next one becomes it.
RECORD = text(
    f"""
    WITH r AS MATERIALIZED (
        SELECT * FROM {unnest("r", RESULTS, ATTEMPTS, ENDS)}
    ),
    recorded AS (
        UPDATE dispatch.deliveries AS d
        SET state = r.state,
            held = r.held,
            attempts = r.attempts,
            endpoint_id = r.endpoint_id,
            next_attempt_at = now() + make_interval(secs => r.delay),
            lease_owner = NULL,
            leased_until = NULL,
            finished_at = CASE WHEN r.state <> 'PENDING' THEN now() END,
            last_status = COALESCE(r.status, CASE WHEN NOT r.attempted THEN d.last_status END),
            last_error = r.error
        FROM r WHERE d.seq = r.seq AND d.lease_owner IS NOT DISTINCT FROM CAST(:owner AS uuid)
        RETURNING d.seq, d.item_digest, d.state
    ),
    tried AS (
        INSERT INTO dispatch.attempts
            (seq, number, started_at, latency_ms, status, error, response)
        SELECT r.seq, r.attempts, r.started_at, r.latency_ms, r.status, r.attempt_error, r.response
        FROM r JOIN recorded USING (seq) WHERE r.attempted
    ),
    promoted AS (
        UPDATE dispatch.deliveries AS d SET head = true
        FROM (
            SELECT follower.seq FROM recorded CROSS JOIN LATERAL (
                SELECT w.seq FROM dispatch.deliveries AS w
                WHERE w.item_digest = recorded.item_digest AND w.state = 'PENDING' AND NOT w.head
                ORDER BY w.seq LIMIT 1
            ) AS follower
            WHERE recorded.state <> 'PENDING'
        ) AS next
        WHERE d.seq = next.seq
        RETURNING d.seq
    ),
    told AS (
        INSERT INTO dispatch.outbox (topic, key, value, headers)
        SELECT r.topic, r.key, r.value, r.headers FROM r JOIN recorded USING (seq)
        WHERE r.value IS NOT NULL ORDER BY r.position
        RETURNING id
    )
    SELECT (SELECT array_agg(seq) FROM recorded) AS recorded,
           (SELECT count(*) FROM promoted) AS promoted,
           (SELECT pg_notify(:channel, '') FROM told LIMIT 1) AS notified
    """  # noqa: S608 - made of constants
)

SAVE_BODY = text(
    """
    UPDATE dispatch.requests AS r SET body = :body
    FROM dispatch.deliveries AS d
    WHERE r.seq = :seq AND d.seq = :seq AND d.lease_owner IS NOT DISTINCT FROM CAST(:owner AS uuid)
      AND r.body IS NULL
    """
)

MOVED = text(
    """
    UPDATE dispatch.requests AS r SET endpoint_id = moved.endpoint_id
    FROM unnest(CAST(:seqs AS bigint[]), CAST(:endpoints AS bigint[])) AS moved (seq, endpoint_id)
    WHERE r.seq = moved.seq
    """
)
