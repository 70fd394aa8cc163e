"""Claims ahead of time.

Revision: 0005
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE queues.jobs ADD COLUMN unopened boolean DEFAULT false NOT NULL")
    op.execute("ALTER TABLE queues.claims ADD COLUMN unopened boolean DEFAULT false NOT NULL")


def downgrade() -> None:
    op.execute("DELETE FROM queues.claims WHERE unopened")
    op.execute("ALTER TABLE queues.claims DROP COLUMN unopened")
    op.execute("ALTER TABLE queues.jobs DROP COLUMN unopened")
