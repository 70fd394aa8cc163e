"""Decisions say where they were made, where that was elsewhere.

Revision: 0035
"""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE review.decisions ADD COLUMN came_from text")


def downgrade() -> None:
    op.execute("ALTER TABLE review.decisions DROP COLUMN came_from")
