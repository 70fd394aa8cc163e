"""What people wrote of decisions can end; a mark says when something was last done about an item.

Revision: 0027
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_INDEXES = {
    "decisions_worded_ix": "decisions (org_id, decided_at)"
    " WHERE reason IS NOT NULL OR note IS NOT NULL",
    "comments_org_id_created_at_ix": "comments (org_id, created_at)",
    "item_marks_org_id_marked_at_ix": "item_marks (org_id, marked_at)",
}


def upgrade() -> None:
    op.execute(
        "ALTER TABLE review.item_marks"
        " ADD COLUMN IF NOT EXISTS marked_at timestamptz NOT NULL DEFAULT now()"
    )
    with op.get_context().autocommit_block():
        for name, of in _INDEXES.items():
            # One that was stopped half-way is there, and is good for nothing.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS review.{name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON review.{of}")


def downgrade() -> None:
    for name in _INDEXES:
        op.execute(f"DROP INDEX review.{name}")
    op.execute("ALTER TABLE review.item_marks DROP COLUMN marked_at")
