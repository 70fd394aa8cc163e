"""Who looked at a report to NCMEC, and at the media of its job, is found without reading the logs.

Revision: 0033
"""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_INDEXES = {
    "audit_log_looks_ix": (
        "audit_log (org_id, target_id, time) WHERE target_kind IN ('cybertip', 'job')"
    ),
    "media_reveals_looks_ix": "media_reveals (job_id, revealed_at) WHERE is_grave",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, of in _INDEXES.items():
            # One that was broken off is there, and of no use.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS review.{name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON review.{of}")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in _INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS review.{name}")
