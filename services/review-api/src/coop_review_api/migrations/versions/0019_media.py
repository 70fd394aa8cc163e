"""Media: what is known of each, which derivatives lie in the store, who lifted which veil.

Revision: 0019
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE review.media_facts (
            org_id text NOT NULL,
            item_key uuid NOT NULL,
            value_key text NOT NULL,
            state text NOT NULL,
            reason text NOT NULL,
            retry_at timestamptz,
            kind text,
            media_type text,
            width bigint,
            height bigint,
            duration double precision,
            is_moving boolean,
            has_sound boolean,
            bytes bigint,
            md5 text,
            sha256 text,
            fetched_at timestamptz NOT NULL,
            changed_at timestamptz,
            CONSTRAINT media_facts_pkey PRIMARY KEY (org_id, item_key, value_key)
        )
    """)
    op.execute("CREATE INDEX media_facts_fetched_at_ix ON review.media_facts (fetched_at)")
    op.execute("""
        CREATE TABLE review.media_derivatives (
            org_id text NOT NULL,
            item_key uuid NOT NULL,
            value_key text NOT NULL,
            form text NOT NULL,
            media_type text NOT NULL,
            bytes bigint NOT NULL,
            used_at timestamptz NOT NULL,
            CONSTRAINT media_derivatives_pkey PRIMARY KEY (org_id, item_key, value_key, form)
        )
    """)
    op.execute("CREATE INDEX media_derivatives_used_at_ix ON review.media_derivatives (used_at)")
    op.execute("""
        CREATE TABLE review.media_reveals (
            reveal_id text NOT NULL,
            org_id text NOT NULL,
            user_id text NOT NULL,
            session_id text NOT NULL,
            reference text NOT NULL,
            stage text NOT NULL,
            job_id text,
            item_key uuid NOT NULL,
            value_key text NOT NULL,
            is_graphic boolean NOT NULL,
            is_grave boolean NOT NULL,
            revealed_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            seconds double precision NOT NULL,
            veiled_at timestamptz,
            CONSTRAINT media_reveals_pkey PRIMARY KEY (reveal_id)
        )
    """)
    for columns in ("user_id, revealed_at", "org_id, revealed_at", "revealed_at"):
        name = columns.replace(", ", "_")
        op.execute(f"CREATE INDEX media_reveals_{name}_ix ON review.media_reveals ({columns})")


def downgrade() -> None:
    for name in ("media_reveals", "media_derivatives", "media_facts"):
        op.execute(f"DROP TABLE review.{name}")
