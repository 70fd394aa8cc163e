"""The history of items: versions by day, what is kept of them, and why.

Revision: 0015
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_COLUMNS = """
        org_id text NOT NULL,
        item_id text NOT NULL,
        type_id text NOT NULL,
        time timestamptz NOT NULL,
        submission_id text NOT NULL,
        source text NOT NULL,
        is_user boolean NOT NULL,
        has_media boolean NOT NULL,
        author_key uuid NOT NULL,
        thread_key uuid,
        parent_key uuid,
        said_at timestamptz NOT NULL,
        address text,
        item text NOT NULL"""


def _made(name: str, columns: str, rest: str) -> tuple[str, ...]:
    key = "org_id, item_id, type_id, time, submission_id"
    return (
        f"CREATE TABLE review.{name} ({columns}, CONSTRAINT {name}_pkey PRIMARY KEY ({key})){rest}",
        f"CREATE INDEX {name}_author_ix ON review.{name} (org_id, author_key, time, type_id)",
        f"CREATE INDEX {name}_media_ix ON review.{name} (org_id, author_key, time) WHERE has_media",
        f"CREATE INDEX {name}_thread_ix ON review.{name} (org_id, thread_key, said_at, item_id)"
        " WHERE thread_key IS NOT NULL",
        f"CREATE INDEX {name}_parent_ix ON review.{name} (org_id, parent_key, said_at, item_id)"
        " WHERE parent_key IS NOT NULL",
        f"CREATE INDEX {name}_address_ix ON review.{name} (org_id, address, time)"
        " WHERE address IS NOT NULL",
    )


_STATEMENTS = (
    *_made("item_versions", f"{_COLUMNS},\n        words tsvector", " PARTITION BY RANGE (time)"),
    "CREATE INDEX item_versions_words_ix ON review.item_versions USING gin (words)",
    *_made("kept_items", _COLUMNS, ""),
    """
    CREATE TABLE review.item_marks (
        org_id text NOT NULL,
        item_id text NOT NULL,
        type_id text NOT NULL,
        reason text NOT NULL,
        CONSTRAINT item_marks_pkey PRIMARY KEY (org_id, item_id, type_id)
    )
    """,
)


def upgrade() -> None:
    """Creates the tables; the role `history` fills them from the beginning of the topics."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drops them: the log has what it keeps of them."""
    for name in ("item_marks", "kept_items", "item_versions"):
        op.execute(f"DROP TABLE review.{name}")
