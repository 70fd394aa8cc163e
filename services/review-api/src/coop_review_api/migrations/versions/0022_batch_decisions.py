"""One decision on many jobs.

Revision: 0022
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE review.batch_decisions (
            batch_id text NOT NULL,
            org_id text NOT NULL,
            made_by text NOT NULL,
            made_at timestamptz NOT NULL,
            request_hash bytea NOT NULL,
            undone_at timestamptz,
            CONSTRAINT batch_decisions_pkey PRIMARY KEY (batch_id),
            CONSTRAINT batch_decisions_org_id_fkey
                FOREIGN KEY (org_id) REFERENCES review.orgs (org_id)
        )
    """)
    op.execute("""
        CREATE INDEX batch_decisions_org_id_made_at_ix ON review.batch_decisions (org_id, made_at)
    """)
    op.execute("""
        CREATE TABLE review.batch_jobs (
            batch_id text NOT NULL,
            position integer NOT NULL,
            org_id text NOT NULL,
            job_id text NOT NULL,
            state text DEFAULT 'WAITING' NOT NULL,
            decision_id text,
            reason text,
            faults jsonb DEFAULT '[]'::jsonb NOT NULL,
            CONSTRAINT batch_jobs_pkey PRIMARY KEY (batch_id, position),
            CONSTRAINT batch_jobs_batch_id_fkey FOREIGN KEY (batch_id)
                REFERENCES review.batch_decisions (batch_id) ON DELETE CASCADE
        )
    """)


def downgrade() -> None:
    op.execute("DROP TABLE review.batch_jobs")
    op.execute("DROP TABLE review.batch_decisions")
