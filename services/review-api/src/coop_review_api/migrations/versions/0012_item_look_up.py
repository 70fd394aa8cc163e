"""Submissions are found by their item.

Revision: 0012
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TABLES = ("recent_submissions", "submissions")


def upgrade() -> None:
    """What an item said last, and whose it is, is asked for by its id."""
    for table in _TABLES:
        op.execute(
            f"CREATE INDEX {table}_org_id_item_id_time_ix ON review.{table} (org_id, item_id, time)"
        )


def downgrade() -> None:
    """It is found by its submission and its owner only."""
    for table in _TABLES:
        op.execute(f"DROP INDEX review.{table}_org_id_item_id_time_ix")
