"""Orders, deadlines, claims as they were.

Revision: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UP = (
    """
    ALTER TABLE queues.jobs
        ADD COLUMN reporter_count integer DEFAULT 0 NOT NULL,
        ADD COLUMN severity smallint DEFAULT 0 NOT NULL,
        ADD COLUMN deadline timestamptz,
        ADD COLUMN overdue_at timestamptz,
        ADD COLUMN ranking bigint DEFAULT 0 NOT NULL,
        ADD COLUMN ranking_revision bigint DEFAULT 0 NOT NULL
    """,
    # Pending jobs from before have what they need; a ranking that no queue has makes the router
    # give each its turn anew.
    """
    UPDATE queues.jobs j
       SET ranking = -1,
           reporter_count = (SELECT count(DISTINCT e.reporter_key) FROM queues.entries e
                              WHERE e.job_id = ANY(array_append(j.moved_from, j.job_id)))
     WHERE state = 'PENDING'
    """,
    """
    CREATE INDEX ix_jobs_overdue ON queues.jobs (overdue_at)
        WHERE state = 'PENDING' AND overdue_at IS NOT NULL
    """,
    """
    CREATE INDEX ix_jobs_unranked ON queues.jobs (org_id, queue_id)
        WHERE state = 'PENDING' AND ranking = -1
    """,
    "DROP INDEX queues.ix_entries_reporter",
    """
    CREATE INDEX ix_entries_reporter ON queues.entries (org_id, reporter_key, job_id)
        WHERE reporter_key IS NOT NULL
    """,
    """
    CREATE TABLE queues.claims (
        job_id uuid NOT NULL,
        number integer NOT NULL,
        org_id text NOT NULL,
        queue_id text NOT NULL,
        reviewer_id text NOT NULL,
        claimed_at timestamptz NOT NULL,
        ended_at timestamptz,
        outcome text,
        CONSTRAINT pk_claims PRIMARY KEY (job_id, number),
        CONSTRAINT ck_claims_ended CHECK ((ended_at IS NULL) = (outcome IS NULL)),
        CONSTRAINT ck_claims_outcome
            CHECK (outcome IN ('CLOSED', 'MOVED', 'RELEASED', 'SKIPPED', 'EXPIRED'))
    )
    """,
    """
    CREATE INDEX ix_claims_open ON queues.claims (org_id, reviewer_id) WHERE ended_at IS NULL
    """,
    "CREATE INDEX ix_claims_time ON queues.claims (org_id, claimed_at)",
    # Jobs are found by the user they are about.
    "ALTER TABLE queues.jobs ADD COLUMN subject_key uuid",
    """
    CREATE INDEX ix_jobs_pending_subject ON queues.jobs (org_id, subject_key, job_id)
        WHERE state = 'PENDING'
    """,
    """
    ALTER TABLE queues.entries
        ADD COLUMN invalidated_at timestamptz,
        ADD COLUMN invalidated_by text,
        ADD COLUMN invalidation_reason text
    """,
)

_DOWN = (
    """
    ALTER TABLE queues.entries
        DROP COLUMN invalidated_at, DROP COLUMN invalidated_by, DROP COLUMN invalidation_reason
    """,
    "DROP INDEX queues.ix_jobs_pending_subject",
    "ALTER TABLE queues.jobs DROP COLUMN subject_key",
    "DROP TABLE queues.claims",
    "DROP INDEX queues.ix_entries_reporter",
    """
    CREATE INDEX ix_entries_reporter ON queues.entries (org_id, reporter_key)
        WHERE reporter_key IS NOT NULL
    """,
    "DROP INDEX queues.ix_jobs_unranked",
    "DROP INDEX queues.ix_jobs_overdue",
    """
    ALTER TABLE queues.jobs
        DROP COLUMN reporter_count, DROP COLUMN severity, DROP COLUMN deadline,
        DROP COLUMN overdue_at, DROP COLUMN ranking, DROP COLUMN ranking_revision
    """,
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
