"""Notes on users of the platform.

Revision: 0020
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE review.user_notes (
            note_id text NOT NULL CONSTRAINT user_notes_pkey PRIMARY KEY,
            org_id text NOT NULL CONSTRAINT user_notes_org_id_fkey
                REFERENCES review.orgs (org_id),
            user_key uuid NOT NULL,
            author_id text NOT NULL CONSTRAINT user_notes_author_id_fkey
                REFERENCES review.users (user_id),
            body text,
            created_at timestamptz NOT NULL,
            edited_at timestamptz,
            deleted_at timestamptz,
            deleted_by text,
            CONSTRAINT user_notes_deleted_check
                CHECK ((body IS NULL) = (deleted_at IS NOT NULL))
        )
        """
    )
    op.execute(
        "CREATE INDEX user_notes_org_id_user_key_created_at_note_id_ix"
        " ON review.user_notes (org_id, user_key, created_at, note_id)"
    )


def downgrade() -> None:
    op.execute("DROP TABLE review.user_notes")
