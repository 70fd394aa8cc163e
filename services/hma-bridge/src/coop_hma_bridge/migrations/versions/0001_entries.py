"""Banks by number, and their entries."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# An entry that was removed stays for a while, so that every process learns of it by its change.
_UP = (
    "CREATE SEQUENCE hashes.changes AS bigint",
    """
    CREATE TABLE hashes.banks (
        bank_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        org_id text NOT NULL,
        bank_id text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT banks_bank_key UNIQUE (org_id, bank_id)
    )
    """,
    """
    CREATE TABLE hashes.entries (
        entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        bank_no integer NOT NULL REFERENCES hashes.banks,
        algorithm smallint NOT NULL,
        hash bytea NOT NULL,
        state smallint NOT NULL DEFAULT 1,
        change bigint NOT NULL,
        note text NOT NULL DEFAULT '',
        source text NOT NULL DEFAULT '',
        added_by text NOT NULL DEFAULT '',
        added_at timestamptz NOT NULL DEFAULT now(),
        changed_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT entries_algorithm_check CHECK (
            (algorithm = 1 AND octet_length(hash) = 32)
            OR (algorithm = 2 AND octet_length(hash) = 16)
        ),
        CONSTRAINT entries_state_check CHECK (state IN (1, 2, 3)),
        CONSTRAINT entries_hash_key UNIQUE (bank_no, algorithm, hash)
    )
    """,
    "CREATE INDEX entries_change ON hashes.entries (change)",
    "CREATE INDEX entries_bank ON hashes.entries (bank_no, entry_id) WHERE state <> 3",
    "CREATE INDEX entries_removed ON hashes.entries (changed_at) WHERE state = 3",
)


def upgrade() -> None:
    """What the embedded mode matches against."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drops it, with all hashes."""
    op.execute("DROP TABLE hashes.entries")
    op.execute("DROP TABLE hashes.banks")
    op.execute("DROP SEQUENCE hashes.changes")
