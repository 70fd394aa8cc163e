"""Platforms are told to preserve by a schedule of its own: what became of that, a row a report."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


_BEFORE = (
    "'REQUESTED', 'HOLDING', 'READY', 'OPENING', 'FILLING', 'FINISHING', 'RETRACTING', 'FILED', "
    "'DONE', 'NEEDS_ATTENTION'"
)


def upgrade() -> None:
    """Empty: reports that are filed and not done get their row when they are looked at next."""
    op.execute(f"""
        ALTER TABLE ncmec.cybertips
            -- squawk-ignore ban-drop-constraint
            DROP CONSTRAINT cybertips_state_check,
            ADD CONSTRAINT cybertips_state_check
                CHECK (state IN ({_BEFORE}, 'PRESERVING')) NOT VALID
    """)
    op.execute("""
        CREATE TABLE ncmec.preservations (
            cybertip_id uuid PRIMARY KEY REFERENCES ncmec.cybertips,
            org_id text NOT NULL,
            revision bigint NOT NULL,
            since timestamptz NOT NULL,
            tries integer NOT NULL DEFAULT 0,
            tried_at timestamptz,
            due_at timestamptz NOT NULL,
            fault text,
            lease uuid,
            leased_until timestamptz,
            outcome text CHECK (outcome IN ('TAKEN', 'NOT_WANTED', 'DESTROYED')),
            ended_at timestamptz
        )
    """)
    op.execute(
        "CREATE INDEX preservations_due ON ncmec.preservations (due_at) WHERE outcome IS NULL"
    )
    op.execute(
        "CREATE INDEX preservations_org ON ncmec.preservations (org_id) WHERE outcome IS NULL"
    )


def downgrade() -> None:
    """Drops it: who is not done is told again."""
    op.execute("DROP TABLE ncmec.preservations")
    op.execute("UPDATE ncmec.cybertips SET state = 'FILED' WHERE state = 'PRESERVING'")
    op.execute(f"""
        ALTER TABLE ncmec.cybertips
            DROP CONSTRAINT cybertips_state_check,
            ADD CONSTRAINT cybertips_state_check CHECK (state IN ({_BEFORE}))
    """)
