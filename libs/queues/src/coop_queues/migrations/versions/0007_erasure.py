"""Items and appeals are found by who made them; who was erased is remembered for a while.

Stopped anywhere, it can be run again: indexes are made outside a transaction. Items of before get
the key of their maker when somebody is erased.

Revision: 0007
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_job_items_author": """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_job_items_author ON queues.job_items (author_key)
    """,
    "ix_entries_appellant": """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_entries_appellant
        ON queues.entries (org_id, appellant_key) WHERE appellant_key IS NOT NULL
    """,
}


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE queues.job_items
            ADD COLUMN IF NOT EXISTS author_key uuid,
            ADD COLUMN IF NOT EXISTS placed_at timestamptz
        """
    )
    op.execute("ALTER TABLE queues.entries ADD COLUMN IF NOT EXISTS appellant_key uuid")
    op.execute(
        """
        CREATE TABLE IF NOT EXISTS queues.erased_users (
            org_id text NOT NULL,
            user_key uuid NOT NULL,
            stand_in text NOT NULL,
            until timestamptz NOT NULL,
            CONSTRAINT pk_erased_users PRIMARY KEY (org_id, user_key)
        )
        """
    )
    with op.get_context().autocommit_block():
        for name, statement in _INDEXES.items():
            # One that was stopped half-way is there, and is good for nothing.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS queues.{name}")
            op.execute(statement)


def downgrade() -> None:
    for name in _INDEXES:
        op.execute(f"DROP INDEX queues.{name}")
    op.execute("DROP TABLE queues.erased_users")
    op.execute("ALTER TABLE queues.entries DROP COLUMN appellant_key")
    op.execute("ALTER TABLE queues.job_items DROP COLUMN author_key, DROP COLUMN placed_at")
