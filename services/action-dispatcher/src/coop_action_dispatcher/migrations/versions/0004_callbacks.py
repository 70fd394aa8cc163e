"""Callbacks beside actions: deliveries that no action asked for."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Not validated: that would read every row while nobody may write, and those of before are such.
_UP = """
    ALTER TABLE dispatch.requests
        ADD COLUMN kind text NOT NULL DEFAULT 'ACTION',
        ALTER COLUMN action_id DROP NOT NULL,
        ADD CONSTRAINT requests_kind_check
            CHECK (kind IN ('ACTION', 'IGNORE', 'APPEAL_DECISION')) NOT VALID,
        ADD CONSTRAINT requests_action_check
            CHECK ((kind = 'ACTION') = (action_id IS NOT NULL)) NOT VALID
"""

_DOWN = (
    """
    DELETE FROM dispatch.attempts AS a USING dispatch.requests AS r
     WHERE a.seq = r.seq AND r.kind <> 'ACTION'
    """,
    """
    DELETE FROM dispatch.deliveries AS d USING dispatch.requests AS r
     WHERE d.seq = r.seq AND r.kind <> 'ACTION'
    """,
    "DELETE FROM dispatch.requests WHERE kind <> 'ACTION'",
    """
    ALTER TABLE dispatch.requests
        DROP CONSTRAINT requests_action_check, DROP COLUMN kind, ALTER COLUMN action_id SET NOT NULL
    """,
)


def upgrade() -> None:
    """Requests say what kind they are; only those of actions have one."""
    op.execute(_UP)


def downgrade() -> None:
    """Drops the kind, and callbacks with it."""
    for statement in _DOWN:
        op.execute(statement)
