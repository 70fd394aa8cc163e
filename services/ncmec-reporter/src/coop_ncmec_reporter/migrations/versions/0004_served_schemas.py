"""Which schema NCMEC served last, in each environment."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Empty: the next report asks."""
    op.execute("""
        CREATE TABLE ncmec.served_schemas (
            environment text PRIMARY KEY CHECK (environment IN ('TEST', 'PRODUCTION')),
            url text NOT NULL,
            due_at timestamptz NOT NULL,
            served_at timestamptz,
            fingerprint text
        )
    """)


def downgrade() -> None:
    """Drops it: what was served is asked for again."""
    op.execute("DROP TABLE ncmec.served_schemas")
