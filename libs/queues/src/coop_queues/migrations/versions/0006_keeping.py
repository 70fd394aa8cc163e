"""Jobs that are kept for somebody.

Revision: 0006
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_UP = (
    """
    ALTER TABLE queues.jobs
        ADD COLUMN kept_as text,
        ADD COLUMN kept_for text,
        ADD COLUMN kept_until timestamptz
    """,
    """
    CREATE TABLE queues.keepings (
        job_id uuid NOT NULL,
        number integer NOT NULL,
        org_id text NOT NULL,
        queue_id text NOT NULL,
        kept_as text NOT NULL,
        person_id text,
        reason text,
        kept_by text NOT NULL,
        since timestamptz NOT NULL,
        until timestamptz NOT NULL,
        ended_at timestamptz,
        ended_by text,
        outcome text,
        CONSTRAINT pk_keepings PRIMARY KEY (job_id, number),
        CONSTRAINT ck_keepings_kept_as CHECK (kept_as IN ('ASSIGNED', 'HELD')),
        CONSTRAINT ck_keepings_person CHECK (kept_as = 'HELD' OR person_id IS NOT NULL),
        CONSTRAINT ck_keepings_ended CHECK ((ended_at IS NULL) = (outcome IS NULL))
    )
    """,
    """
    CREATE INDEX ix_keepings_person ON queues.keepings (org_id, person_id, job_id)
        WHERE ended_at IS NULL
    """,
    "CREATE INDEX ix_keepings_until ON queues.keepings (until) WHERE ended_at IS NULL",
    "CREATE INDEX ix_keepings_ended ON queues.keepings (ended_at) WHERE ended_at IS NOT NULL",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE queues.keepings")
    op.execute(
        "ALTER TABLE queues.jobs DROP COLUMN kept_as, DROP COLUMN kept_for, DROP COLUMN kept_until"
    )
