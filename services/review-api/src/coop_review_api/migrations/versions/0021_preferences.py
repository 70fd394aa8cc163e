"""What pages remember for people, and views that people share.

Revision: 0021
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_PREFERENCES = """
    CREATE TABLE review.user_preferences (
        user_id text NOT NULL,
        key text NOT NULL,
        value text NOT NULL,
        revision bigint NOT NULL,
        updated_at timestamptz NOT NULL,
        CONSTRAINT user_preferences_pkey PRIMARY KEY (user_id, key),
        CONSTRAINT user_preferences_user_id_fkey FOREIGN KEY (user_id)
            REFERENCES review.users (user_id) ON DELETE CASCADE
    )
"""
_VIEWS = """
    CREATE TABLE review.shared_views (
        org_id text NOT NULL,
        view_id text NOT NULL,
        page text NOT NULL,
        name text NOT NULL,
        value text NOT NULL,
        revision bigint NOT NULL,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL,
        updated_by text NOT NULL,
        updated_at timestamptz NOT NULL,
        CONSTRAINT shared_views_pkey PRIMARY KEY (org_id, view_id),
        CONSTRAINT shared_views_org_id_fkey FOREIGN KEY (org_id) REFERENCES review.orgs (org_id)
    )
"""


def upgrade() -> None:
    op.execute(_PREFERENCES)
    op.execute(_VIEWS)
    op.execute(
        "CREATE INDEX shared_views_org_id_page_view_id_ix"
        " ON review.shared_views (org_id, page, view_id)"
    )


def downgrade() -> None:
    op.execute("DROP TABLE review.shared_views, review.user_preferences")
