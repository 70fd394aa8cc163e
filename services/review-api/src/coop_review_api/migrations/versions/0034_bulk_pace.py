"""When the next batch of bulk actions may begin, of all processes together.

Revision: 0034
"""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE IF NOT EXISTS review.bulk_pace (
            single boolean DEFAULT true,
            free_at timestamptz NOT NULL,
            CONSTRAINT bulk_pace_pkey PRIMARY KEY (single),
            CONSTRAINT bulk_pace_single_check CHECK (single)
        )
    """)
    op.execute("INSERT INTO review.bulk_pace (free_at) VALUES (now()) ON CONFLICT DO NOTHING")


def downgrade() -> None:
    op.execute("DROP TABLE review.bulk_pace")
