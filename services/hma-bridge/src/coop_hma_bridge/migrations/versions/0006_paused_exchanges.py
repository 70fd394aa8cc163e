"""Exchanges that are paused.

Revision: 0006
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Since when, and by whom; none is."""
    op.execute(
        """
        ALTER TABLE hashes.exchanges
            ADD COLUMN paused_at timestamptz,
            ADD COLUMN paused_by text NOT NULL DEFAULT ''
        """
    )


def downgrade() -> None:
    """Those that were paused are fetched again."""
    op.execute("ALTER TABLE hashes.exchanges DROP COLUMN paused_at, DROP COLUMN paused_by")
