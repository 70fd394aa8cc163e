"""Addresses are unique within an organisation, and compared in one form; who stands behind an
invitation, a link and a password; names of organisations to sign in with.

Where two accounts of an organisation turn out to have the same address, the older one keeps the
form that both have, and the younger one is found by its address as it was written.

Stopped anywhere, it can be run again: indexes are made outside a transaction.

Revision: 0016
"""

from alembic import op
from sqlalchemy import text

from coop_review_api.kernel.email_address import comparable

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_COLUMNS = (
    """
    ALTER TABLE review.users
        ADD COLUMN IF NOT EXISTS email_key text,
        ADD COLUMN IF NOT EXISTS password_set_by text,
        ADD COLUMN IF NOT EXISTS created_by text
    """,
    """
    ALTER TABLE review.invitations
        ADD COLUMN IF NOT EXISTS email_key text,
        ADD COLUMN IF NOT EXISTS sent_by text
    """,
    "ALTER TABLE review.password_resets ADD COLUMN IF NOT EXISTS made_by text",
    "ALTER TABLE review.orgs ADD COLUMN IF NOT EXISTS slug text",
    """
    UPDATE review.users AS u SET created_by = a.actor
    FROM review.audit_log AS a
    WHERE a.action = 'user.created' AND a.target_kind = 'user' AND a.target_id = u.user_id
    """,
)
_INDEXES = {
    "users_org_id_email_key_key": """
    CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS users_org_id_email_key_key
        ON review.users (org_id, email_key)
    """,
    "users_email_key_ix": """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS users_email_key_ix ON review.users (email_key)
    """,
    "invitations_open_key": """
    CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS invitations_open_key
        ON review.invitations (org_id, email_key)
        WHERE accepted_at IS NULL AND revoked_at IS NULL
    """,
    "orgs_slug_key": (
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS orgs_slug_key ON review.orgs (slug)"
    ),
}


def upgrade() -> None:
    for statement in _COLUMNS:
        op.execute(statement)
    if not op.get_context().as_sql:
        _fill("users", "user_id")
        _fill("invitations", "invitation_id")
    # The new index stands before the old constraint goes: an address is never free.
    with op.get_context().autocommit_block():
        for name, statement in _INDEXES.items():
            # One that was stopped half-way is there, and is good for nothing.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS review.{name}")
            op.execute(statement)
    op.execute(
        "-- squawk-ignore ban-drop-constraint\n"
        "ALTER TABLE review.users DROP CONSTRAINT IF EXISTS users_email_key"
    )


def _fill(table: str, key: str) -> None:
    """Every row's form to be compared by; of two that have the same, the older row's alone."""
    connection = op.get_bind()
    rows = connection.execute(
        text(f"SELECT {key} AS id, org_id, email FROM review.{table} ORDER BY created_at, {key}")  # noqa: S608
    ).all()
    taken: set[tuple[str, str]] = set()
    exact = {(row.org_id, row.email) for row in rows if comparable(row.email) == row.email}
    for row in rows:
        form = comparable(row.email)
        if form != row.email and ((row.org_id, form) in taken or (row.org_id, form) in exact):
            form = row.email
        taken.add((row.org_id, form))
        connection.execute(
            text(f"UPDATE review.{table} SET email_key = :form WHERE {key} = :id"),  # noqa: S608
            {"form": form, "id": row.id},
        )


def downgrade() -> None:
    for statement in (
        "ALTER TABLE review.users ADD CONSTRAINT users_email_key UNIQUE (email)",
        "DROP INDEX review.orgs_slug_key",
        "DROP INDEX review.invitations_open_key",
        "DROP INDEX review.users_email_key_ix",
        "DROP INDEX review.users_org_id_email_key_key",
        """
        CREATE UNIQUE INDEX invitations_open_key ON review.invitations (org_id, email)
            WHERE accepted_at IS NULL AND revoked_at IS NULL
        """,
        "ALTER TABLE review.orgs DROP COLUMN slug",
        "ALTER TABLE review.password_resets DROP COLUMN made_by",
        "ALTER TABLE review.invitations DROP COLUMN email_key, DROP COLUMN sent_by",
        """
        ALTER TABLE review.users
            DROP COLUMN email_key, DROP COLUMN password_set_by, DROP COLUMN created_by
        """,
    ):
        op.execute(statement)
