"""What was asked apart from how far it is; endpoints with their health; executions by rule.

`requests` is written once and looked things up in; `deliveries` is narrow, because it is rewritten
by each step and a million of them may wait.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ENDPOINTS = """
CREATE TABLE dispatch.endpoints (
    id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id          text        NOT NULL,
    name            text        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    paused_at       timestamptz,
    paused_by       text,
    pause_reason    text,
    open_until      timestamptz,
    openings        integer     NOT NULL DEFAULT 0,
    probing         boolean     NOT NULL DEFAULT false,
    failing_since   timestamptz,
    last_failure_at timestamptz,
    last_success_at timestamptz,
    last_status     integer,
    last_error      text,
    UNIQUE (org_id, name),
    CHECK ((paused_at IS NULL) = (paused_by IS NULL))
) WITH (fillfactor = 50)
"""

_ENDPOINT_MINUTES = """
CREATE TABLE dispatch.endpoint_minutes (
    endpoint_id bigint      NOT NULL,
    minute      timestamptz NOT NULL,
    attempts    integer     NOT NULL,
    delivered   integer     NOT NULL,
    latencies   integer[]   NOT NULL,
    PRIMARY KEY (endpoint_id, minute)
) WITH (fillfactor = 70)
"""

_REQUESTS = """
CREATE TABLE dispatch.requests (
    seq          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    execution_id uuid        NOT NULL,
    org_id       text        NOT NULL,
    action_id    text        NOT NULL,
    item_type_id text        NOT NULL,
    item_id      text        NOT NULL,
    item_digest  bytea       NOT NULL CHECK (length(item_digest) = 16),
    endpoint_id  bigint      NOT NULL,
    request      bytea       NOT NULL,
    body         bytea,
    traceparent  text,
    created_at   timestamptz NOT NULL DEFAULT now()
)
"""

_DELIVERIES = """
CREATE TABLE dispatch.deliveries (
    seq             bigint      PRIMARY KEY,
    execution_id    uuid        NOT NULL,
    org_id          text        NOT NULL,
    item_digest     bytea       NOT NULL,
    endpoint_id     bigint      NOT NULL,
    state           text        NOT NULL DEFAULT 'PENDING'
                                CHECK (state IN ('PENDING', 'DELIVERED', 'DEAD')),
    head            boolean     NOT NULL,
    held            boolean     NOT NULL DEFAULT false,
    attempts        integer     NOT NULL DEFAULT 0,
    attempts_before integer     NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    lease_owner     uuid,
    leased_until    timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    finished_at     timestamptz,
    last_status     integer,
    last_error      text,
    CHECK ((lease_owner IS NULL) = (leased_until IS NULL)),
    CHECK ((state = 'PENDING') = (finished_at IS NULL)),
    CHECK (lease_owner IS NULL OR (head AND state = 'PENDING'))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)
"""

_ATTEMPTS = """
CREATE TABLE dispatch.attempts (
    seq        bigint      NOT NULL,
    number     integer     NOT NULL,
    started_at timestamptz NOT NULL,
    latency_ms real        NOT NULL,
    status     integer,
    error      text,
    response   text,
    PRIMARY KEY (seq, number)
)
"""

_RULE_EXECUTIONS = """
CREATE TABLE dispatch.rule_executions (
    org_id     text        NOT NULL,
    rule_id    text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    seq        bigint      NOT NULL,
    PRIMARY KEY (org_id, rule_id, created_at, seq)
)
"""

_COPY = (
    """INSERT INTO dispatch.endpoints (org_id, name)
       SELECT DISTINCT split_part(endpoint, ' ', 1),
              substr(endpoint, strpos(endpoint, ' ') + 1)
       FROM dispatch.deliveries_0001""",
    """INSERT INTO dispatch.requests
           (seq, execution_id, org_id, action_id, item_type_id, item_id, item_digest, endpoint_id,
            request, body, traceparent, created_at)
       OVERRIDING SYSTEM VALUE
       SELECT d.seq, d.execution_id, d.org_id, d.action_id, d.item_type_id, d.item_id,
              d.item_digest, e.id, d.request, d.body, d.traceparent, d.created_at
       FROM dispatch.deliveries_0001 AS d
       JOIN dispatch.endpoints AS e ON d.endpoint = e.org_id || ' ' || e.name""",
    """SELECT setval(pg_get_serial_sequence('dispatch.requests', 'seq'),
                     (SELECT coalesce(max(seq), 0) + 1 FROM dispatch.deliveries_0001), false)""",
    """INSERT INTO dispatch.deliveries
           (seq, execution_id, org_id, item_digest, endpoint_id, state, head, held, attempts,
            next_attempt_at, created_at, finished_at, last_status, last_error)
       SELECT d.seq, d.execution_id, d.org_id, d.item_digest, r.endpoint_id, d.state, d.head,
              d.held, d.attempts, d.next_attempt_at, d.created_at, d.finished_at, d.last_status,
              d.last_error
       FROM dispatch.deliveries_0001 AS d JOIN dispatch.requests AS r ON r.seq = d.seq""",
    """INSERT INTO dispatch.attempts
           (seq, number, started_at, latency_ms, status, error, response)
       SELECT r.seq, a.number, a.started_at, a.latency_ms, a.status, a.error, a.response
       FROM dispatch.attempts_0001 AS a
       JOIN dispatch.requests AS r ON r.execution_id = a.execution_id""",
    """INSERT INTO dispatch.rule_executions (org_id, rule_id, created_at, seq)
       SELECT DISTINCT r.org_id, rule ->> 'id', r.created_at, r.seq
       FROM dispatch.requests AS r
       CROSS JOIN LATERAL jsonb_array_elements(
           CASE WHEN strpos(convert_from(r.request, 'UTF8'), '\\u0000') = 0
                THEN convert_from(r.request, 'UTF8')::jsonb -> 'rules' END) AS rule""",
)

_INDEXES = (
    # Twice is once.
    "CREATE UNIQUE INDEX requests_execution ON dispatch.requests (execution_id)",
    # What people look for, newest first.
    "CREATE INDEX requests_org ON dispatch.requests (org_id, seq)",
    "CREATE INDEX requests_item ON dispatch.requests (item_digest, seq)",
    "CREATE INDEX requests_action ON dispatch.requests (org_id, action_id, seq)",
    "CREATE INDEX requests_endpoint ON dispatch.requests (endpoint_id, seq)",
    # Order per item is this constraint: an item has one delivery that may be sent, or none.
    """CREATE UNIQUE INDEX deliveries_head ON dispatch.deliveries (item_digest)
       WHERE state = 'PENDING' AND head""",
    # Who comes next when the head of an item is finished.
    """CREATE INDEX deliveries_waiting ON dispatch.deliveries (item_digest, seq)
       WHERE state = 'PENDING' AND NOT head""",
    # What is due, endpoint by endpoint: the first entry of an endpoint is its next.
    """CREATE INDEX deliveries_due ON dispatch.deliveries (endpoint_id, next_attempt_at)
       WHERE state = 'PENDING' AND head AND lease_owner IS NULL""",
    # Leases, to find those of a process that died.
    """CREATE INDEX deliveries_leased ON dispatch.deliveries (lease_owner)
       WHERE lease_owner IS NOT NULL""",
    # What an organisation's change of configuration may set free.
    """CREATE INDEX deliveries_held ON dispatch.deliveries (org_id)
       WHERE state = 'PENDING' AND held""",
    # What needs someone's eye.
    """CREATE INDEX deliveries_unfinished ON dispatch.deliveries (org_id, state, seq)
       WHERE state <> 'DELIVERED'""",
    # What is old enough to go: rows lie in the order of their time.
    "CREATE INDEX rule_executions_time ON dispatch.rule_executions USING brin (created_at)",
    # The endpoints that are not simply well.
    """CREATE INDEX endpoints_troubled ON dispatch.endpoints (id)
       WHERE paused_at IS NOT NULL OR open_until IS NOT NULL OR failing_since IS NOT NULL""",
)

_OLD_INDEXES = ("head", "waiting", "due", "leased", "held")


def upgrade() -> None:
    """Makes the new tables and moves every delivery into them. Leases are given up: whoever holds
    one was stopped before."""
    for table in ("deliveries", "attempts"):
        op.execute(f"ALTER TABLE dispatch.{table} RENAME TO {table}_0001")
        op.execute(f"ALTER INDEX dispatch.{table}_pkey RENAME TO {table}_0001_pkey")
    for table in (
        _ENDPOINTS,
        _ENDPOINT_MINUTES,
        _REQUESTS,
        _ATTEMPTS,
        _RULE_EXECUTIONS,
    ):
        op.execute(table)
    for index in _OLD_INDEXES:
        op.execute(f"DROP INDEX dispatch.deliveries_{index}")
    op.execute(_DELIVERIES)
    for statement in _COPY:
        op.execute(statement)
    for index in _INDEXES:
        op.execute(index)
    op.execute("DROP TABLE dispatch.attempts_0001, dispatch.deliveries_0001")


def downgrade() -> None:
    """There is none: the tables of 0001 know neither endpoints nor what was sent again."""
    raise NotImplementedError("restore a backup from before this migration")
