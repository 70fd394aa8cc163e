"""The undo window and bulk actions.

Revision: 0003
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE review.decisions
        ADD COLUMN leaves_at timestamptz,
        ADD COLUMN undone_at timestamptz,
        ADD COLUMN undone_by text
    """,
    """
    CREATE TABLE review.held_decisions (
        decision_id text CONSTRAINT held_decisions_pkey PRIMARY KEY
            CONSTRAINT held_decisions_decision_id_fkey
                REFERENCES review.decisions (decision_id),
        org_id text NOT NULL,
        leaves_at timestamptz NOT NULL,
        topics text[] NOT NULL,
        keys bytea[] NOT NULL,
        payloads bytea[] NOT NULL,
        headers jsonb NOT NULL
    )
    """,
    "CREATE INDEX held_decisions_leaves_at_ix ON review.held_decisions (leaves_at)",
    """
    CREATE TABLE review.bulk_jobs (
        bulk_id text CONSTRAINT bulk_jobs_pkey PRIMARY KEY,
        org_id text NOT NULL CONSTRAINT bulk_jobs_org_id_fkey REFERENCES review.orgs (org_id),
        kind text NOT NULL,
        state text NOT NULL,
        "order" jsonb NOT NULL,
        total integer NOT NULL,
        requested integer NOT NULL DEFAULT 0,
        refused integer NOT NULL DEFAULT 0,
        config_revision bigint NOT NULL,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL,
        confirmed_by text,
        started_at timestamptz,
        finished_at timestamptz,
        CONSTRAINT bulk_jobs_kind_check CHECK (kind IN ('ACTION', 'REVERSAL')),
        CONSTRAINT bulk_jobs_state_check CHECK (
            state IN ('PREVIEW', 'RUNNING', 'PAUSED', 'CANCELLED', 'COMPLETE'))
    )
    """,
    "CREATE INDEX bulk_jobs_org_id_created_at_ix ON review.bulk_jobs (org_id, created_at)",
    "CREATE INDEX bulk_jobs_running_ix ON review.bulk_jobs (bulk_id) WHERE state = 'RUNNING'",
    """
    CREATE TABLE review.bulk_items (
        bulk_id text NOT NULL CONSTRAINT bulk_items_bulk_id_fkey
            REFERENCES review.bulk_jobs (bulk_id) ON DELETE CASCADE,
        position integer NOT NULL,
        identity text NOT NULL,
        item_type_id text NOT NULL,
        item_id text NOT NULL,
        creator jsonb,
        reverses jsonb,
        state text NOT NULL DEFAULT 'WAITING',
        reason text,
        execution_ids text[],
        CONSTRAINT bulk_items_pkey PRIMARY KEY (bulk_id, position),
        CONSTRAINT bulk_items_bulk_id_identity_key UNIQUE (bulk_id, identity),
        CONSTRAINT bulk_items_state_check CHECK (
            state IN ('WAITING', 'REQUESTED', 'REFUSED'))
    )
    """,
    """
    CREATE INDEX bulk_items_waiting_ix ON review.bulk_items (bulk_id, position)
        WHERE state = 'WAITING'
    """,
)


def upgrade() -> None:
    """Creates the tables; adds to decisions when they leave and whether they were undone."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drops them; held decisions are lost with it."""
    op.execute("DROP TABLE review.bulk_items, review.bulk_jobs, review.held_decisions")
    op.execute(
        "ALTER TABLE review.decisions DROP COLUMN leaves_at, DROP COLUMN undone_at,"
        " DROP COLUMN undone_by"
    )
