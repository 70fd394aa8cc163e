"""Media: whether a film flashes, and from when on.

Revision: 0031
"""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE review.media_facts
            ADD COLUMN flashes text,
            ADD COLUMN flashes_at double precision
    """)


def downgrade() -> None:
    op.execute("ALTER TABLE review.media_facts DROP COLUMN flashes, DROP COLUMN flashes_at")
