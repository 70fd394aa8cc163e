"""Comments, the actions that were requested, exports; indexes of the decision log.

Revision: 0010
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE review.comments (
        comment_id text CONSTRAINT comments_pkey PRIMARY KEY,
        org_id text NOT NULL CONSTRAINT comments_org_id_fkey REFERENCES review.orgs (org_id),
        item_key uuid NOT NULL,
        job_id uuid NOT NULL,
        author_id text NOT NULL CONSTRAINT comments_author_id_fkey
            REFERENCES review.users (user_id),
        body text NOT NULL,
        mentions text[] NOT NULL,
        created_at timestamptz NOT NULL,
        edited_at timestamptz
    )
    """,
    """
    CREATE INDEX comments_org_id_item_key_comment_id_ix
        ON review.comments (org_id, item_key, comment_id)
    """,
    """
    CREATE TABLE review.requested_actions (
        org_id text NOT NULL,
        execution_id text NOT NULL,
        time timestamptz NOT NULL,
        action_id text NOT NULL,
        source text NOT NULL,
        item_key uuid NOT NULL,
        item_type_id text NOT NULL,
        item_id text NOT NULL,
        creator_type_id text,
        creator_id text,
        creator_key uuid,
        actor_id text,
        policy_ids text[] NOT NULL,
        rule_ids text[] NOT NULL,
        note text,
        cause_id text,
        bulk_id text,
        reverses text,
        CONSTRAINT requested_actions_pkey PRIMARY KEY (org_id, execution_id, time)
    ) PARTITION BY RANGE (time)
    """,
    """
    CREATE INDEX requested_actions_org_id_time_execution_id_ix
        ON review.requested_actions (org_id, time, execution_id)
    """,
    """
    CREATE INDEX requested_actions_org_id_item_key_time_ix
        ON review.requested_actions (org_id, item_key, time)
    """,
    """
    CREATE INDEX requested_actions_creator_ix
        ON review.requested_actions (org_id, creator_key, time) WHERE creator_key IS NOT NULL
    """,
    """
    CREATE INDEX requested_actions_reverses_ix
        ON review.requested_actions (org_id, reverses) WHERE reverses IS NOT NULL
    """,
    "CREATE INDEX requested_actions_rules_ix ON review.requested_actions USING gin (rule_ids)",
    """
    CREATE TABLE review.log_exports (
        export_id text CONSTRAINT log_exports_pkey PRIMARY KEY,
        org_id text NOT NULL CONSTRAINT log_exports_org_id_fkey REFERENCES review.orgs (org_id),
        created_by text NOT NULL CONSTRAINT log_exports_created_by_fkey
            REFERENCES review.users (user_id),
        format text NOT NULL,
        state text NOT NULL DEFAULT 'RUNNING',
        wanted jsonb NOT NULL,
        scope jsonb NOT NULL,
        position text,
        rows integer NOT NULL DEFAULT 0,
        bytes bigint NOT NULL DEFAULT 0,
        chunks integer NOT NULL DEFAULT 0,
        child_safety boolean NOT NULL DEFAULT false,
        attempts integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        error text,
        created_at timestamptz NOT NULL,
        finished_at timestamptz,
        expires_at timestamptz NOT NULL,
        CONSTRAINT log_exports_format_check CHECK (format IN ('CSV', 'JSONL')),
        CONSTRAINT log_exports_state_check CHECK (state IN ('RUNNING', 'COMPLETE', 'FAILED'))
    )
    """,
    "CREATE INDEX log_exports_expires_at_ix ON review.log_exports (expires_at)",
    """
    CREATE INDEX log_exports_created_by_export_id_ix
        ON review.log_exports (created_by, export_id)
    """,
    """
    CREATE INDEX log_exports_due_ix ON review.log_exports (due_at) WHERE state = 'RUNNING'
    """,
    """
    CREATE TABLE review.log_export_chunks (
        export_id text NOT NULL CONSTRAINT log_export_chunks_export_id_fkey
            REFERENCES review.log_exports (export_id) ON DELETE CASCADE,
        number integer NOT NULL,
        body bytea NOT NULL,
        CONSTRAINT log_export_chunks_pkey PRIMARY KEY (export_id, number)
    )
    """,
    "ALTER TABLE review.bulk_items ADD COLUMN item_key uuid",
    """
    CREATE INDEX decisions_org_id_reviewer_id_decided_at_ix
        ON review.decisions (org_id, reviewer_id, decided_at)
    """,
    """
    CREATE INDEX decisions_org_id_queue_id_decided_at_ix
        ON review.decisions (org_id, queue_id, decided_at)
    """,
    """
    CREATE INDEX decisions_components_ix
        ON review.decisions USING gin (components jsonb_path_ops)
    """,
)


def upgrade() -> None:
    """Creates the tables and indexes."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drops them, with comments and exports."""
    op.execute(
        "DROP INDEX review.decisions_org_id_reviewer_id_decided_at_ix,"
        " review.decisions_org_id_queue_id_decided_at_ix, review.decisions_components_ix"
    )
    op.execute("ALTER TABLE review.bulk_items DROP COLUMN item_key")
    op.execute(
        "DROP TABLE review.log_export_chunks, review.log_exports, review.requested_actions,"
        " review.comments"
    )
