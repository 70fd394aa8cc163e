"""What the pieces of exports are about.

Revision: 0014
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE review.log_export_chunks ADD COLUMN item_keys uuid[] DEFAULT '{}' NOT NULL"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE review.log_export_chunks DROP COLUMN item_keys")
