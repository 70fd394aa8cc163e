"""Exchanges that fill banks.

Revision: 0005
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_UP = (
    """
    CREATE TABLE hashes.exchanges (
        exchange_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        org_id text NOT NULL,
        bank_id text NOT NULL,
        kind text NOT NULL,
        settings jsonb NOT NULL,
        hma_bank text NOT NULL,
        gave_account boolean NOT NULL DEFAULT false,
        added_by text NOT NULL DEFAULT '',
        added_at timestamptz NOT NULL DEFAULT now(),
        removed_at timestamptz
    )
    """,
    """
    CREATE UNIQUE INDEX exchanges_once ON hashes.exchanges (org_id, bank_id, kind, settings)
        WHERE removed_at IS NULL
    """,
)


def upgrade() -> None:
    """Which there are; no credential is among it."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drops it: exchanges stay at the Hasher-Matcher-Actioner, and match nothing here."""
    op.execute("DROP TABLE hashes.exchanges")
