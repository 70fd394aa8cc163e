"""Strikes: users' accounts, strikes, what each execution contributes, crossings of thresholds."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The row that is locked by whoever changes what a user has. `ref` is the JSON of the user's type
# and id: bytes, because an id may hold NUL. `published` is the version that Redis has.
_USERS = """
CREATE TABLE dispatch.strike_users (
    user_digest    bytea       PRIMARY KEY CHECK (length(user_digest) = 16),
    org_id         text        NOT NULL,
    ref            bytea       NOT NULL,
    total          bigint      NOT NULL DEFAULT 0 CHECK (total >= 0),
    next_expiry_at timestamptz,
    version        bigint      NOT NULL DEFAULT 0,
    published      bigint      NOT NULL DEFAULT 0,
    CHECK ((total = 0) = (next_expiry_at IS NULL))
) WITH (fillfactor = 80)
"""

# `lead_execution_id` is the execution that the strike is; none while all were taken back. `counted`
# is its share of the user's total.
_STRIKES = """
CREATE TABLE dispatch.strikes (
    strike_id         uuid        PRIMARY KEY,
    seq               bigint      GENERATED ALWAYS AS IDENTITY,
    user_digest       bytea       NOT NULL REFERENCES dispatch.strike_users,
    cause_id          text        NOT NULL,
    lead_execution_id uuid,
    policy_id         text        NOT NULL,
    weight            integer     NOT NULL CHECK (weight >= 0),
    struck_at         timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    counted           integer     NOT NULL CHECK (counted IN (0, weight)),
    CHECK ((lead_execution_id IS NULL) = (weight = 0))
) WITH (fillfactor = 80)
"""

# Without a strike: taken back before it was requested.
_EXECUTIONS = """
CREATE TABLE dispatch.strike_executions (
    execution_id uuid        PRIMARY KEY,
    strike_id    uuid,
    action_id    text,
    policy_id    text,
    weight       integer,
    struck_at    timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    reversed_at  timestamptz,
    CHECK (strike_id IS NULL OR (action_id IS NOT NULL AND policy_id IS NOT NULL AND weight > 0)),
    CHECK (strike_id IS NOT NULL OR reversed_at IS NOT NULL)
) WITH (fillfactor = 80)
"""

# Never deleted: `generation` must not begin anew, or an action would look as if it had happened.
_CROSSINGS = """
CREATE TABLE dispatch.strike_crossings (
    crossing_id uuid        PRIMARY KEY,
    seq         bigint      GENERATED ALWAYS AS IDENTITY,
    user_digest bytea       NOT NULL REFERENCES dispatch.strike_users,
    org_id      text        NOT NULL,
    threshold   integer     NOT NULL CHECK (threshold > 0),
    generation  integer     NOT NULL CHECK (generation > 0),
    total       bigint      NOT NULL,
    cause_id    text        NOT NULL,
    executions  jsonb       NOT NULL,
    crossed_at  timestamptz NOT NULL,
    fell_at     timestamptz,
    UNIQUE (user_digest, threshold, generation)
)
"""

_INDEXES = (
    # Whose strikes expire next.
    """CREATE INDEX strike_users_expiry ON dispatch.strike_users (next_expiry_at)
       WHERE next_expiry_at IS NOT NULL""",
    # What Redis has not been told.
    """CREATE INDEX strike_users_unpublished ON dispatch.strike_users (user_digest)
       WHERE published <> version""",
    # The distribution; and everything that Redis holds, to build it again.
    "CREATE INDEX strike_users_total ON dispatch.strike_users (org_id, total) WHERE total > 0",
    "CREATE INDEX strikes_live ON dispatch.strikes (user_digest, expires_at) WHERE counted > 0",
    "CREATE INDEX strikes_history ON dispatch.strikes (user_digest, seq)",
    "CREATE INDEX strikes_old ON dispatch.strikes (expires_at)",
    # Which execution leads.
    """CREATE INDEX strike_executions_lead ON dispatch.strike_executions
           (strike_id, weight DESC, expires_at DESC, execution_id DESC)
       WHERE reversed_at IS NULL""",
    "CREATE INDEX strike_executions_strike ON dispatch.strike_executions (strike_id)",
    "CREATE INDEX strike_executions_old ON dispatch.strike_executions (expires_at)",
    # A threshold is crossed once, until the user falls below it.
    """CREATE UNIQUE INDEX strike_crossings_open ON dispatch.strike_crossings
           (user_digest, threshold)
       WHERE fell_at IS NULL""",
    "CREATE INDEX strike_crossings_recent ON dispatch.strike_crossings (org_id, seq)",
)


def upgrade() -> None:
    """Creates the tables and indexes."""
    for table in (_USERS, _STRIKES, _EXECUTIONS, _CROSSINGS):
        op.execute(table)
    for index in _INDEXES:
        op.execute(index)


def downgrade() -> None:
    """Drops them, with every strike."""
    op.execute(
        "DROP TABLE dispatch.strike_crossings, dispatch.strike_executions, dispatch.strikes, "
        "dispatch.strike_users"
    )
