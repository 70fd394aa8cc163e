"""What people wrote of second reviews and golden items can end; trials are counted by an index.

Revision: 0028
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_INDEXES = {
    "second_reviews_worded_ix": "second_reviews (org_id, answered_at)"
    " WHERE reason IS NOT NULL OR note IS NOT NULL",
    "golden_items_noted_ix": "golden_items (org_id, retired_at) WHERE note IS NOT NULL",
    "audit_log_trials_ix": "audit_log (org_id, action, time)"
    " WHERE action IN ('integration.tried', 'test_request.sent')",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, of in _INDEXES.items():
            # One that was stopped half-way is there, and is good for nothing.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS review.{name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON review.{of}")


def downgrade() -> None:
    for name in _INDEXES:
        op.execute(f"DROP INDEX review.{name}")
