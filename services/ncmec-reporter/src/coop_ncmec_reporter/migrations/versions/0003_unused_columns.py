"""What nobody reads any more of evidence goes: until when it is kept follows from its filing, and a
hold is a row of its own, since 0002."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Only the catalogue changes: no row is read or written."""
    op.execute("""
        ALTER TABLE ncmec.evidence
            -- squawk-ignore ban-drop-column
            DROP COLUMN preserve_until,
            -- squawk-ignore ban-drop-column
            DROP COLUMN legal_hold
    """)


def downgrade() -> None:
    """As they were made, and empty: how long evidence is kept follows from its filing."""
    op.execute("""
        ALTER TABLE ncmec.evidence
            ADD COLUMN preserve_until timestamptz,
            ADD COLUMN legal_hold boolean NOT NULL DEFAULT false
    """)
