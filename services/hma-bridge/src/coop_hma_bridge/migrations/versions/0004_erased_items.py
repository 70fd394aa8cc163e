"""Items of end users who were erased: what comes late of them is left alone.

Revision: 0004
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_UP = (
    """
    CREATE TABLE hashes.erased_items (
        org_id text NOT NULL,
        item_key bytea NOT NULL,
        until timestamptz NOT NULL,
        CONSTRAINT erased_items_pkey PRIMARY KEY (org_id, item_key)
    )
    """,
    "CREATE INDEX erased_items_until ON hashes.erased_items (until)",
)


def upgrade() -> None:
    """Under a hash of an item's id and type."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drops it: what comes late of such an item is remembered for its days."""
    op.execute("DROP TABLE hashes.erased_items")
