"""Decisions without a reviewer, of appeals, and escalations; submissions by user; automations.

Revision: 0009
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE review.decisions
        ALTER COLUMN reviewer_id DROP NOT NULL,
        ADD COLUMN appeal_of text,
        ADD COLUMN escalation jsonb,
        ADD COLUMN seen_revision integer
    """,
    "ALTER TABLE review.recent_submissions ADD COLUMN owner_key uuid",
    "ALTER TABLE review.submissions ADD COLUMN owner_key uuid",
    """
    CREATE INDEX recent_submissions_org_id_owner_key_time_ix
        ON review.recent_submissions (org_id, owner_key, time)
    """,
    """
    CREATE INDEX submissions_org_id_owner_key_time_ix
        ON review.submissions (org_id, owner_key, time)
    """,
    """
    CREATE TABLE review.automations (
        automation_id text CONSTRAINT automations_pkey PRIMARY KEY,
        org_id text NOT NULL CONSTRAINT automations_org_id_fkey REFERENCES review.orgs (org_id),
        kind text NOT NULL,
        state text NOT NULL DEFAULT 'RUNNING',
        queue_id text,
        "order" jsonb NOT NULL,
        cause_id text,
        position text,
        scanned integer NOT NULL DEFAULT 0,
        scrubbed integer NOT NULL DEFAULT 0,
        closed integer NOT NULL DEFAULT 0,
        removed integer NOT NULL DEFAULT 0,
        held integer NOT NULL DEFAULT 0,
        created_by text,
        created_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        finished_at timestamptz,
        error text,
        CONSTRAINT automations_kind_check
            CHECK (kind IN ('CLEAR_REPORTS', 'EMPTY_QUEUE', 'INVALIDATE_REPORTS')),
        CONSTRAINT automations_state_check
            CHECK (state IN ('RUNNING', 'COMPLETE', 'CANCELLED', 'FAILED'))
    )
    """,
    "CREATE INDEX automations_due_ix ON review.automations (due_at) WHERE state = 'RUNNING'",
    "CREATE INDEX automations_org_id_created_at_ix ON review.automations (org_id, created_at)",
    """
    CREATE INDEX automations_cause_ix ON review.automations (cause_id)
        WHERE cause_id IS NOT NULL
    """,
    """
    CREATE TABLE review.removed_queues (
        org_id text NOT NULL CONSTRAINT removed_queues_org_id_fkey REFERENCES review.orgs (org_id),
        queue_id text NOT NULL,
        name text NOT NULL,
        is_appeals_queue boolean NOT NULL,
        move_to text,
        removed_by text NOT NULL,
        removed_at timestamptz NOT NULL,
        moved integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        CONSTRAINT removed_queues_pkey PRIMARY KEY (org_id, queue_id)
    )
    """,
    "CREATE INDEX removed_queues_due_at_ix ON review.removed_queues (due_at)",
    """
    CREATE TABLE review.job_drafts (
        job_id uuid NOT NULL,
        reviewer_id text NOT NULL CONSTRAINT job_drafts_reviewer_id_fkey
            REFERENCES review.users (user_id) ON DELETE CASCADE,
        org_id text NOT NULL,
        content bytea NOT NULL,
        saved_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        CONSTRAINT job_drafts_pkey PRIMARY KEY (job_id, reviewer_id)
    )
    """,
    "CREATE INDEX job_drafts_expires_at_ix ON review.job_drafts (expires_at)",
    """
    CREATE INDEX job_drafts_reviewer_id_saved_at_ix
        ON review.job_drafts (reviewer_id, saved_at)
    """,
    """
    CREATE TABLE review.queue_favourites (
        user_id text NOT NULL CONSTRAINT queue_favourites_user_id_fkey
            REFERENCES review.users (user_id) ON DELETE CASCADE,
        queue_id text NOT NULL,
        org_id text NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT queue_favourites_pkey PRIMARY KEY (user_id, queue_id)
    )
    """,
)


def upgrade() -> None:
    """Automatic decisions have no reviewer; a decision may be on an appeal, or escalate."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drops what was added; automatic decisions go with it."""
    op.execute("DROP TABLE review.job_drafts")
    op.execute("DROP TABLE review.queue_favourites, review.removed_queues, review.automations")
    op.execute("ALTER TABLE review.submissions DROP COLUMN owner_key")
    op.execute("ALTER TABLE review.recent_submissions DROP COLUMN owner_key")
    op.execute("DELETE FROM review.decisions WHERE reviewer_id IS NULL")
    op.execute(
        "ALTER TABLE review.decisions DROP COLUMN appeal_of, DROP COLUMN escalation,"
        " DROP COLUMN seen_revision,"
        " ALTER COLUMN reviewer_id SET NOT NULL"
    )
