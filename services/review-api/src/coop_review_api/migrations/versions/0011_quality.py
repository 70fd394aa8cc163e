"""Second reviews and golden items.

Revision: 0011
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE review.golden_items (
        golden_id text CONSTRAINT golden_items_pkey PRIMARY KEY,
        org_id text NOT NULL CONSTRAINT golden_items_org_id_fkey REFERENCES review.orgs (org_id),
        decision_id text NOT NULL CONSTRAINT golden_items_decision_id_fkey
            REFERENCES review.decisions (decision_id),
        job_id text NOT NULL,
        queue_id text NOT NULL,
        csam boolean NOT NULL,
        components jsonb NOT NULL,
        expected jsonb NOT NULL,
        note text,
        not_for text[] NOT NULL,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        retired_at timestamptz
    )
    """,
    "CREATE INDEX golden_items_org_id_golden_id_ix ON review.golden_items (org_id, golden_id)",
    """
    CREATE UNIQUE INDEX golden_items_live_key ON review.golden_items (org_id, queue_id, job_id)
        WHERE retired_at IS NULL
    """,
    """
    CREATE TABLE review.second_reviews (
        second_review_id text CONSTRAINT second_reviews_pkey PRIMARY KEY,
        org_id text NOT NULL CONSTRAINT second_reviews_org_id_fkey REFERENCES review.orgs (org_id),
        queue_id text NOT NULL,
        job_id text NOT NULL,
        decision_id text CONSTRAINT second_reviews_decision_id_key UNIQUE
            CONSTRAINT second_reviews_decision_id_fkey REFERENCES review.decisions (decision_id),
        golden_id text CONSTRAINT second_reviews_golden_id_fkey
            REFERENCES review.golden_items (golden_id),
        only_for text,
        first_reviewer_id text,
        not_for text[] NOT NULL,
        csam boolean NOT NULL,
        expected jsonb NOT NULL,
        state text NOT NULL DEFAULT 'PENDING',
        available_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        lease_token text,
        lease_holder text,
        lease_expires_at timestamptz,
        claimed_at timestamptz,
        answered_by text,
        answered_at timestamptz,
        components jsonb,
        reason text,
        note text,
        answer jsonb,
        request_hash bytea,
        CONSTRAINT second_reviews_golden_id_only_for_key UNIQUE (golden_id, only_for),
        CONSTRAINT second_reviews_state_check
            CHECK (state IN ('PENDING', 'ANSWERED', 'WITHDRAWN')),
        CONSTRAINT second_reviews_cause_check
            CHECK ((decision_id IS NULL) <> (golden_id IS NULL)),
        CONSTRAINT second_reviews_golden_check
            CHECK ((golden_id IS NULL) = (only_for IS NULL)),
        CONSTRAINT second_reviews_answer_check
            CHECK (state <> 'ANSWERED' OR answer IS NOT NULL),
        CONSTRAINT second_reviews_lease_check
            CHECK ((lease_token IS NULL) = (lease_expires_at IS NULL)
                   AND (lease_token IS NULL) = (lease_holder IS NULL))
    )
    """,
    """
    CREATE INDEX second_reviews_waiting_ix
        ON review.second_reviews (org_id, queue_id, created_at, second_review_id)
        WHERE state = 'PENDING'
    """,
    """
    CREATE INDEX second_reviews_answered_ix ON review.second_reviews (org_id, answered_at)
        WHERE state = 'ANSWERED'
    """,
    """
    CREATE INDEX bulk_items_reverses_ix ON review.bulk_items (identity)
        WHERE reverses IS NOT NULL
    """,
)


def upgrade() -> None:
    """Creates the tables; what was taken back is found by its execution."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drops them, with what was answered."""
    op.execute("DROP INDEX review.bulk_items_reverses_ix")
    op.execute("DROP TABLE review.second_reviews, review.golden_items")
