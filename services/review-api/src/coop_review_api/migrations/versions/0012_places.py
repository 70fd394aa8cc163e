"""Places of Google Maps that location banks name, and what is known of them.

Revision: 0012
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE review.places (
        org_id text NOT NULL CONSTRAINT places_org_id_fkey REFERENCES review.orgs (org_id),
        place_id text NOT NULL,
        name text NOT NULL DEFAULT '',
        area jsonb,
        resolved_at timestamptz,
        problem text NOT NULL DEFAULT '',
        attempts integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        CONSTRAINT places_pkey PRIMARY KEY (org_id, place_id)
    )
    """,
    "CREATE INDEX places_due_at_ix ON review.places (due_at)",
)


def upgrade() -> None:
    """Creates the table."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drops it; the areas in banks stay."""
    op.execute("DROP TABLE review.places")
