"""A job that was emptied says since when; closed jobs that were not are found by when they closed.

Stopped anywhere, it can be run again: the index is made outside a transaction.

Revision: 0008
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE queues.jobs ADD COLUMN IF NOT EXISTS emptied_at timestamptz")
    with op.get_context().autocommit_block():
        # One that was stopped half-way is there, and is good for nothing.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS queues.ix_jobs_spent")
        op.execute(
            """
            CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_jobs_spent
                ON queues.jobs (org_id, closed_at, job_id)
             WHERE state = 'CLOSED' AND emptied_at IS NULL AND moved_to IS NULL
            """
        )


def downgrade() -> None:
    op.execute("DROP INDEX queues.ix_jobs_spent")
    op.execute("ALTER TABLE queues.jobs DROP COLUMN emptied_at")
