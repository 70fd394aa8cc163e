"""How the keeping of evidence ends: holds, destructions, what was done, files without a row."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# `preserve_until` and `legal_hold` of evidence are not read any more: how long a report is kept
# follows from when it was filed, and a hold says who, why and until when.
_UP = (
    "ALTER TABLE ncmec.cybertips ADD COLUMN destroyed_at timestamptz",
    """
    CREATE TABLE ncmec.holds (
        hold_id uuid PRIMARY KEY,
        cybertip_id uuid NOT NULL REFERENCES ncmec.cybertips,
        org_id text NOT NULL,
        placed_by text NOT NULL,
        reason text NOT NULL,
        placed_at timestamptz NOT NULL,
        until timestamptz,
        lifted_by text,
        lifted_at timestamptz
    )
    """,
    "CREATE UNIQUE INDEX holds_cybertip ON ncmec.holds (cybertip_id) WHERE lifted_at IS NULL",
    """
    CREATE TABLE ncmec.destructions (
        destruction_id uuid PRIMARY KEY,
        cybertip_id uuid NOT NULL REFERENCES ncmec.cybertips,
        org_id text NOT NULL,
        state text NOT NULL DEFAULT 'ASKED' CHECK (state IN (
            'ASKED', 'REFUSED', 'EXPIRED', 'CONFIRMED', 'DONE')),
        ground text NOT NULL CHECK (ground IN ('KEPT_LONG_ENOUGH', 'LAW_ENFORCEMENT')),
        reason text NOT NULL,
        asked_by text NOT NULL,
        asked_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        answered_by text,
        answered_at timestamptz,
        done_at timestamptz,
        CONSTRAINT two_people CHECK (state NOT IN ('CONFIRMED', 'DONE')
            OR (answered_by IS NOT NULL AND answered_by <> asked_by))
    )
    """,
    "CREATE UNIQUE INDEX destructions_open ON ncmec.destructions (cybertip_id) "
    "WHERE state IN ('ASKED', 'CONFIRMED', 'DONE')",
    "CREATE INDEX destructions_cybertip ON ncmec.destructions (cybertip_id, asked_at)",
    """
    CREATE TABLE ncmec.evidence_log (
        entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        org_id text NOT NULL,
        cybertip_id uuid NOT NULL REFERENCES ncmec.cybertips,
        who text NOT NULL,
        what text NOT NULL,
        why text NOT NULL,
        at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX evidence_log_cybertip ON ncmec.evidence_log (cybertip_id)",
    """
    CREATE TABLE ncmec.orphans (
        name text PRIMARY KEY,
        seen_at timestamptz NOT NULL
    )
    """,
)


def upgrade() -> None:
    """What the end of keeping is written into."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drops it: who held or destroyed what is forgotten."""
    for table in ("orphans", "evidence_log", "destructions", "holds"):
        op.execute(f"DROP TABLE ncmec.{table}")
    op.execute("ALTER TABLE ncmec.cybertips DROP COLUMN destroyed_at")
