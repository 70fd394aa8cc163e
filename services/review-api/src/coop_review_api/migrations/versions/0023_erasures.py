"""Erasures of end users.

Revision: 0023
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_TABLES = (
    """
    CREATE TABLE review.erased_users (
        org_id text NOT NULL,
        user_key uuid NOT NULL,
        stand_in text NOT NULL,
        until timestamptz NOT NULL,
        CONSTRAINT erased_users_pkey PRIMARY KEY (org_id, user_key)
    )
    """,
    """
    CREATE TABLE review.erasures (
        erasure_id text NOT NULL,
        org_id text NOT NULL,
        state text DEFAULT 'RUNNING' NOT NULL,
        reason text,
        requested_by text NOT NULL,
        created_at timestamptz NOT NULL,
        total integer NOT NULL,
        done integer DEFAULT 0 NOT NULL,
        attempts integer DEFAULT 0 NOT NULL,
        due_at timestamptz NOT NULL,
        error text,
        finished_at timestamptz,
        CONSTRAINT erasures_pkey PRIMARY KEY (erasure_id),
        CONSTRAINT erasures_org_id_fkey FOREIGN KEY (org_id) REFERENCES review.orgs (org_id),
        CONSTRAINT erasures_state_check CHECK (state IN ('RUNNING', 'COMPLETE')),
        CONSTRAINT erasures_finished_check
            CHECK ((state = 'COMPLETE') = (finished_at IS NOT NULL))
    )
    """,
    "CREATE INDEX erasures_org_id_erasure_id_ix ON review.erasures (org_id, erasure_id)",
    "CREATE INDEX erasures_due_ix ON review.erasures (due_at) WHERE state = 'RUNNING'",
    """
    CREATE TABLE review.erasure_users (
        erasure_id text NOT NULL,
        position integer NOT NULL,
        org_id text NOT NULL,
        type_id text NOT NULL,
        user_id text,
        stand_in text NOT NULL,
        step text DEFAULT 'COLLECTING' NOT NULL,
        round integer DEFAULT 0 NOT NULL,
        due_at timestamptz NOT NULL,
        counts jsonb DEFAULT '{}'::jsonb NOT NULL,
        waiting integer DEFAULT 0 NOT NULL,
        grave integer DEFAULT 0 NOT NULL,
        CONSTRAINT erasure_users_pkey PRIMARY KEY (erasure_id, position),
        CONSTRAINT erasure_users_erasure_id_fkey FOREIGN KEY (erasure_id)
            REFERENCES review.erasures (erasure_id) ON DELETE CASCADE,
        CONSTRAINT erasure_users_step_check CHECK (step IN ('COLLECTING', 'ERASING', 'DONE')),
        CONSTRAINT erasure_users_erased_check CHECK ((step = 'DONE') = (user_id IS NULL))
    )
    """,
    """
    CREATE TABLE review.erasure_items (
        erasure_id text NOT NULL,
        position integer NOT NULL,
        item_type_id text NOT NULL,
        item_id text NOT NULL,
        org_id text NOT NULL,
        CONSTRAINT erasure_items_pkey
            PRIMARY KEY (erasure_id, position, item_type_id, item_id),
        CONSTRAINT erasure_items_erasure_id_fkey FOREIGN KEY (erasure_id, position)
            REFERENCES review.erasure_users (erasure_id, position) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE review.erasure_keys (
        org_id text NOT NULL,
        secret text NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT erasure_keys_pkey PRIMARY KEY (org_id),
        CONSTRAINT erasure_keys_org_id_fkey FOREIGN KEY (org_id) REFERENCES review.orgs (org_id)
    )
    """,
)


def upgrade() -> None:
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    for name in ("erasure_keys", "erasure_items", "erasure_users", "erasures", "erased_users"):
        op.execute(f"DROP TABLE review.{name}")
