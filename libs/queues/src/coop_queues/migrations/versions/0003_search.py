"""Indexes to find jobs by: when they came, where, about what and whom, and who passed them on.

Revision: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UP = (
    "CREATE INDEX ix_jobs_came ON queues.jobs (org_id, enqueued_at, job_id)",
    """
    CREATE INDEX ix_jobs_queue_came
        ON queues.jobs (org_id, queue_id, state, enqueued_at, job_id)
    """,
    "CREATE INDEX ix_jobs_item_id ON queues.jobs (org_id, item_id text_pattern_ops)",
    """
    CREATE INDEX ix_jobs_closed_subject ON queues.jobs (org_id, subject_key)
        WHERE state = 'CLOSED'
    """,
    """
    CREATE INDEX ix_claims_passed_on ON queues.claims (org_id, ended_at)
        WHERE outcome IN ('SKIPPED', 'RELEASED', 'EXPIRED')
    """,
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for index in (
        "ix_claims_passed_on",
        "ix_jobs_closed_subject",
        "ix_jobs_item_id",
        "ix_jobs_queue_came",
        "ix_jobs_came",
    ):
        op.execute(f"DROP INDEX queues.{index}")
