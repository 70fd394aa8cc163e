"""Which hash banks have the media of items.

Revision: 0029
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE review.media_matches (
            org_id text NOT NULL,
            item_key uuid NOT NULL,
            value_key text NOT NULL,
            bank_id text NOT NULL,
            algorithm text NOT NULL,
            distance integer,
            matched_at timestamptz NOT NULL,
            CONSTRAINT media_matches_pkey
                PRIMARY KEY (org_id, item_key, value_key, bank_id, algorithm)
        )
    """)
    op.execute("CREATE INDEX media_matches_matched_at_ix ON review.media_matches (matched_at)")


def downgrade() -> None:
    op.execute("DROP TABLE review.media_matches")
