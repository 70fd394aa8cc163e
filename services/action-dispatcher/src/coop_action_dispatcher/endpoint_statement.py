"""The statements on endpoints. Data only; `endpoint` and `health` say what they are for."""

from __future__ import annotations

from sqlalchemy import text

FIND = text(
    """
    SELECT e.id, e.org_id, e.name
    FROM unnest(CAST(:orgs AS text[]), CAST(:names AS text[])) AS wanted (org_id, name)
    JOIN dispatch.endpoints AS e ON e.org_id = wanted.org_id AND e.name = wanted.name
    """
)

MAKE = text(
    """
    INSERT INTO dispatch.endpoints (org_id, name)
    SELECT org_id, name FROM unnest(CAST(:orgs AS text[]), CAST(:names AS text[]))
         AS wanted (org_id, name)
    ORDER BY org_id, name
    ON CONFLICT (org_id, name) DO NOTHING
    """
)

# A pause between two failures that is longer than the schedule's longest wait begins a new time of
# failing: nothing was tried in between.
CHANGE = text(
    """
    WITH old AS MATERIALIZED (
        SELECT id, paused_at FROM dispatch.endpoints
        WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR UPDATE
    )
    UPDATE dispatch.endpoints AS e
    SET failing_since = CASE
            WHEN c.news = 'DELIVERED' THEN NULL
            WHEN e.failing_since IS NULL OR e.last_failure_at < now() - interval '36 hours'
                THEN now()
            ELSE e.failing_since END,
        last_success_at = CASE WHEN c.news = 'DELIVERED' THEN now() ELSE e.last_success_at END,
        last_failure_at = CASE WHEN c.news = 'DELIVERED' THEN e.last_failure_at ELSE now() END,
        last_status = CASE WHEN c.news = 'DELIVERED' THEN e.last_status ELSE c.status END,
        last_error = CASE WHEN c.news = 'DELIVERED' THEN e.last_error
                          ELSE COALESCE(c.error, 'HTTP ' || c.status) END,
        open_until = CASE
            WHEN c.news = 'FAILED' THEN e.open_until
            WHEN c.news <> 'OPENED' THEN NULL
            WHEN e.open_until > now() AND NOT c.probe THEN e.open_until
            ELSE now() + make_interval(secs => CAST(:stretch AS float8)
                * LEAST(CAST(:last AS float8),
                        CAST(:first AS float8) * power(2, LEAST(e.openings, 20)))) END,
        openings = CASE WHEN c.news = 'OPENED' THEN e.openings + 1
                        WHEN c.news = 'FAILED' THEN e.openings ELSE 0 END,
        probing = c.news = 'FAILED' AND e.probing,
        paused_at = CASE WHEN c.news = 'GONE' THEN COALESCE(e.paused_at, now())
                         ELSE e.paused_at END,
        paused_by = CASE WHEN c.news = 'GONE' THEN COALESCE(e.paused_by, 'system')
                         ELSE e.paused_by END,
        pause_reason = CASE WHEN c.news = 'GONE' AND e.paused_at IS NULL
                            THEN 'the endpoint answered 410: it is gone'
                            ELSE e.pause_reason END
    FROM unnest(CAST(:ids AS bigint[]), CAST(:news AS text[]), CAST(:probes AS boolean[]),
                CAST(:statuses AS integer[]), CAST(:errors AS text[]))
         AS c (id, news, probe, status, error)
    JOIN old ON old.id = c.id
    WHERE e.id = c.id
    RETURNING e.id, e.org_id, e.name, e.pause_reason, e.failing_since,
              old.paused_at IS NULL AND e.paused_at IS NOT NULL AS newly_paused
    """
)

PAUSE_FAILING = text(
    """
    WITH failing AS MATERIALIZED (
        SELECT id FROM dispatch.endpoints
        WHERE paused_at IS NULL AND failing_since IS NOT NULL
          AND last_failure_at >= failing_since + make_interval(secs => :after)
        ORDER BY id FOR UPDATE SKIP LOCKED
    )
    UPDATE dispatch.endpoints AS e
    SET paused_at = now(), paused_by = 'system', open_until = NULL, openings = 0, probing = false,
        pause_reason = 'no success for '
            || trim_scale(round(CAST(:days AS numeric), 2)) || ' days'
    FROM failing WHERE e.id = failing.id
    RETURNING e.id, e.org_id, e.name, e.pause_reason, e.failing_since
    """
)

PAUSE = text(
    """
    UPDATE dispatch.endpoints
    SET paused_at = now(), paused_by = :actor, pause_reason = :reason
    WHERE id = :id AND org_id = :org AND paused_at IS NULL
    RETURNING id, org_id, name, pause_reason, failing_since
    """
)

RESUME = text(
    """
    WITH old AS MATERIALIZED (
        SELECT id, paused_at FROM dispatch.endpoints WHERE id = :id AND org_id = :org FOR UPDATE
    )
    UPDATE dispatch.endpoints AS e
    SET paused_at = NULL, paused_by = NULL, pause_reason = NULL, open_until = NULL, openings = 0,
        probing = false, failing_since = NULL
    FROM old WHERE e.id = old.id
    RETURNING e.id, e.org_id, e.name, e.pause_reason, e.failing_since,
              old.paused_at IS NOT NULL AS was_paused
    """
)

EXISTS = text("SELECT 1 FROM dispatch.endpoints WHERE id = :id AND org_id = :org")

TROUBLED = text(
    """
    SELECT id, org_id, paused_at IS NOT NULL AS paused, failing_since IS NOT NULL AS failing,
           EXTRACT(epoch FROM open_until - now())::float8 AS open_for
    FROM dispatch.endpoints
    WHERE paused_at IS NOT NULL OR open_until IS NOT NULL OR failing_since IS NOT NULL
    """
)

# Counted up to a bound: the number is for people, and a million of them is "many".
WAITING = text(
    """
    SELECT count(*) FROM (
        SELECT 1 FROM dispatch.deliveries
        WHERE org_id = :org AND state = 'PENDING' AND endpoint_id = :id
        LIMIT 100000
    ) AS waiting
    """
)

# Half-open breakers whose probe is ours: nobody else's for `secs`, should we die with it.
CLAIM_PROBES = text(
    """
    WITH free AS MATERIALIZED (
        SELECT id FROM dispatch.endpoints
        WHERE id = ANY(CAST(:ids AS bigint[])) AND open_until <= now() AND paused_at IS NULL
        ORDER BY id FOR UPDATE SKIP LOCKED
    )
    UPDATE dispatch.endpoints AS e
    SET probing = true, open_until = now() + make_interval(secs => :secs)
    FROM free WHERE e.id = free.id
    RETURNING e.id
    """
)

# The probe was not sent after all: whoever comes next may.
GIVE_PROBES = text(
    """
    UPDATE dispatch.endpoints SET probing = false, open_until = now()
    WHERE id = ANY(CAST(:ids AS bigint[])) AND probing
    """
)

# Elementwise sums: what several processes saw of one minute.
TALLY = text(
    """
    INSERT INTO dispatch.endpoint_minutes AS m (endpoint_id, minute, attempts, delivered, latencies)
    SELECT t.id, t.minute, t.attempts, t.delivered, CAST(t.latencies AS integer[])
    FROM unnest(CAST(:ids AS bigint[]), CAST(:minutes AS timestamptz[]),
                CAST(:attempts AS integer[]), CAST(:delivered AS integer[]),
                CAST(:latencies AS text[]))
         AS t (id, minute, attempts, delivered, latencies)
    ORDER BY t.id, t.minute
    ON CONFLICT (endpoint_id, minute) DO UPDATE
    SET attempts = m.attempts + excluded.attempts,
        delivered = m.delivered + excluded.delivered,
        latencies = ARRAY(
            SELECT COALESCE(a, 0) + COALESCE(b, 0)
            FROM unnest(m.latencies, excluded.latencies) WITH ORDINALITY AS pair (a, b, position)
            ORDER BY position)
    """
)
