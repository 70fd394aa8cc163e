"""The statements of the strike store. Each is for a whole batch, by arrays.

Must not: be used but by `strike_store`, `strike_account`, `strike_batch` and `strike_index`, which
know the order of the locks.
"""

from __future__ import annotations

from sqlalchemy import text

from coop_action_dispatcher.strike_column import CROSSINGS, EXECUTIONS, STRIKE_ROWS
from coop_runtime.database.column import unnest

FIND = text(
    """
    SELECT e.execution_id, e.strike_id, s.user_digest
    FROM dispatch.strike_executions AS e LEFT JOIN dispatch.strikes AS s USING (strike_id)
    WHERE e.execution_id = ANY(CAST(:ids AS uuid[]))
    """
)

# Who was erased and is struck again has their name again.
ADD_USERS = text(
    """
    INSERT INTO dispatch.strike_users AS u (user_digest, org_id, ref)
    SELECT * FROM unnest(
        CAST(:digests AS bytea[]), CAST(:orgs AS text[]), CAST(:refs AS bytea[])
    ) AS new (user_digest, org_id, ref)
    ORDER BY user_digest
    ON CONFLICT (user_digest) DO UPDATE SET ref = excluded.ref, version = u.version + 1
    WHERE u.ref <> excluded.ref
    """
)

LOCK = text(
    """
    SELECT user_digest, org_id, ref, total, next_expiry_at
    FROM dispatch.strike_users WHERE user_digest = ANY(CAST(:digests AS bytea[]))
    ORDER BY user_digest FOR NO KEY UPDATE
    """
)

TOTALS = text(
    """
    SELECT user_digest, sum(counted)::bigint AS total FROM dispatch.strikes
    WHERE user_digest = ANY(CAST(:digests AS bytea[])) AND counted > 0
      AND expires_at > COALESCE(CAST(:now AS timestamptz), clock_timestamp())
    GROUP BY user_digest
    """
)

NOW = text("SELECT clock_timestamp()")

CROSSED = text(
    """
    SELECT user_digest, threshold, max(generation) AS generation,
           bool_or(fell_at IS NULL) AS open
    FROM dispatch.strike_crossings WHERE user_digest = ANY(CAST(:digests AS bytea[]))
    GROUP BY user_digest, threshold
    """
)

EXPIRE = text(
    """
    WITH expired AS MATERIALIZED (
        SELECT strike_id, counted FROM dispatch.strikes
        WHERE user_digest = ANY(CAST(:digests AS bytea[])) AND counted > 0 AND expires_at <= :now
    )
    UPDATE dispatch.strikes AS s SET counted = 0
    FROM expired WHERE s.strike_id = expired.strike_id
    RETURNING s.user_digest, s.cause_id, s.policy_id, expired.counted, s.expires_at
    """
)

ADD_EXECUTIONS = text(
    f"""
    INSERT INTO dispatch.strike_executions
        (execution_id, strike_id, action_id, policy_id, weight, struck_at, expires_at, reversed_at)
    SELECT execution_id, strike_id, action_id, policy_id, weight, struck_at, expires_at,
           reversed_at
    FROM {unnest("new", EXECUTIONS)}
    ORDER BY execution_id
    ON CONFLICT (execution_id) DO NOTHING
    RETURNING execution_id
    """  # noqa: S608 - made of constants
)

STRIKES = text(
    """
    SELECT strike_id, lead_execution_id, weight, expires_at, counted FROM dispatch.strikes
    WHERE strike_id = ANY(CAST(:ids AS uuid[]))
    """
)

SAVE_STRIKES = text(
    f"""
    INSERT INTO dispatch.strikes AS s
        (strike_id, user_digest, cause_id, lead_execution_id, policy_id, weight, struck_at,
         expires_at, counted)
    SELECT strike_id, user_digest, cause_id, lead_execution_id, policy_id, weight, struck_at,
           expires_at, counted
    FROM {unnest("new", STRIKE_ROWS)}
    ON CONFLICT (strike_id) DO UPDATE SET
        lead_execution_id = excluded.lead_execution_id, policy_id = excluded.policy_id,
        weight = excluded.weight, struck_at = excluded.struck_at,
        expires_at = excluded.expires_at, counted = excluded.counted
    """  # noqa: S608 - made of constants
)

REVERSE = text(
    """
    UPDATE dispatch.strike_executions SET reversed_at = :now
    WHERE execution_id = ANY(CAST(:ids AS uuid[])) AND reversed_at IS NULL
    RETURNING execution_id, strike_id
    """
)

LEADS = text(
    """
    SELECT s.strike_id, s.user_digest, s.cause_id, s.counted, s.lead_execution_id AS before,
           s.policy_id AS old_policy_id, s.struck_at AS old_struck_at,
           s.expires_at AS old_expires_at,
           lead.execution_id, lead.policy_id, lead.weight, lead.struck_at, lead.expires_at
    FROM dispatch.strikes AS s LEFT JOIN LATERAL (
        SELECT * FROM dispatch.strike_executions AS e
        WHERE e.strike_id = s.strike_id AND e.reversed_at IS NULL
        ORDER BY e.weight DESC, e.expires_at DESC, e.execution_id DESC LIMIT 1
    ) AS lead ON true
    WHERE s.strike_id = ANY(CAST(:ids AS uuid[]))
    """
)

SAVE_USERS = text(
    """
    UPDATE dispatch.strike_users AS u
    SET total = new.total,
        version = u.version + 1,
        next_expiry_at = (
            SELECT min(s.expires_at) FROM dispatch.strikes AS s
            WHERE s.user_digest = u.user_digest AND s.counted > 0)
    FROM unnest(CAST(:digests AS bytea[]), CAST(:totals AS bigint[])) AS new (user_digest, total)
    WHERE u.user_digest = new.user_digest
    """
)

CLOSE = text(
    """
    UPDATE dispatch.strike_crossings AS c SET fell_at = :now
    FROM unnest(CAST(:digests AS bytea[]), CAST(:thresholds AS integer[]))
         AS fallen (user_digest, threshold)
    WHERE c.user_digest = fallen.user_digest AND c.threshold = fallen.threshold
      AND c.fell_at IS NULL
    """
)

CROSS = text(
    f"""
    INSERT INTO dispatch.strike_crossings
        (crossing_id, user_digest, org_id, threshold, generation, total, cause_id, executions,
         crossed_at, fell_at)
    SELECT crossing_id, user_digest, org_id, threshold, generation, total, cause_id, executions,
           :now, CASE WHEN fell THEN CAST(:now AS timestamptz) END
    FROM {unnest("new", CROSSINGS)}
    """  # noqa: S608 - made of constants
)

EXPIRING = text(
    """
    SELECT user_digest FROM dispatch.strike_users
    WHERE next_expiry_at <= :now
    ORDER BY next_expiry_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    """
)

PRUNE_EXECUTIONS = text(
    """
    DELETE FROM dispatch.strike_executions WHERE execution_id = ANY(ARRAY(
        SELECT execution_id FROM dispatch.strike_executions
        WHERE expires_at < :before ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED))
    """
)

PRUNE_STRIKES = text(
    """
    DELETE FROM dispatch.strikes WHERE strike_id = ANY(ARRAY(
        SELECT strike_id FROM dispatch.strikes
        WHERE expires_at < :before AND counted = 0
        ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED))
    RETURNING user_digest
    """
)

PRUNE_USERS = text(
    """
    DELETE FROM dispatch.strike_users WHERE user_digest = ANY(ARRAY(
        SELECT u.user_digest FROM dispatch.strike_users AS u
        WHERE u.user_digest = ANY(CAST(:digests AS bytea[]))
          AND u.total = 0 AND u.published = u.version
          AND NOT EXISTS (SELECT 1 FROM dispatch.strikes AS s
                          WHERE s.user_digest = u.user_digest)
          AND NOT EXISTS (SELECT 1 FROM dispatch.strike_crossings AS c
                          WHERE c.user_digest = u.user_digest)
        FOR UPDATE SKIP LOCKED))
    """
)

TRY_PUBLISHER = text(
    "SELECT pg_try_advisory_xact_lock(hashtextextended('coop strikes publisher', 0))"
)

_LIVE = """
    u.user_digest, u.org_id, u.ref, u.version, (
        SELECT jsonb_agg(jsonb_build_array(
                   floor(EXTRACT(epoch FROM s.expires_at) * 1000)::bigint, s.weight)
               ORDER BY s.expires_at)
        FROM dispatch.strikes AS s WHERE s.user_digest = u.user_digest AND s.counted > 0
    ) AS live
"""

UNPUBLISHED = text(
    f"""
    SELECT {_LIVE} FROM dispatch.strike_users AS u
    WHERE u.published <> u.version ORDER BY u.user_digest LIMIT :limit
    """  # noqa: S608 - made of constants
)

LIVE_PAGE = text(
    f"""
    SELECT {_LIVE} FROM dispatch.strike_users AS u
    WHERE u.user_digest > :after AND u.total > 0 ORDER BY u.user_digest LIMIT :limit
    """  # noqa: S608 - made of constants
)

# A user who is changed just now is to be published again anyway.
PUBLISHED = text(
    """
    WITH free AS MATERIALIZED (
        SELECT u.user_digest, new.version FROM dispatch.strike_users AS u
        JOIN unnest(CAST(:digests AS bytea[]), CAST(:versions AS bigint[]))
             AS new (user_digest, version) ON u.user_digest = new.user_digest
        FOR NO KEY UPDATE OF u SKIP LOCKED
    )
    UPDATE dispatch.strike_users AS u SET published = free.version
    FROM free WHERE u.user_digest = free.user_digest
    """
)

UNPUBLISH = text(
    """
    WITH held AS MATERIALIZED (
        SELECT user_digest FROM dispatch.strike_users
        WHERE user_digest = ANY(CAST(:digests AS bytea[]))
        ORDER BY user_digest FOR NO KEY UPDATE
    )
    UPDATE dispatch.strike_users AS u SET published = -1
    FROM held WHERE u.user_digest = held.user_digest
    """
)
