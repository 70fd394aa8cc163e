"""Banks at a Hasher-Matcher-Actioner that are ours, and since when a bank has no document."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UP = (
    """
    CREATE TABLE hashes.hma_banks (
        name text PRIMARY KEY,
        org_id text NOT NULL
    )
    """,
    "ALTER TABLE hashes.banks ADD COLUMN gone_at timestamptz",
)


def upgrade() -> None:
    """What the keepers of banks go by."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drops it: banks that are gone here stay on there, and keep their entries."""
    op.execute("ALTER TABLE hashes.banks DROP COLUMN gone_at")
    op.execute("DROP TABLE hashes.hma_banks")
