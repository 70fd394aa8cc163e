"""Changes of rules that wait for a second person.

Revision: 0036
"""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE review.rule_proposals (
            proposal_id text NOT NULL CONSTRAINT rule_proposals_pkey PRIMARY KEY,
            org_id text NOT NULL CONSTRAINT rule_proposals_org_id_fkey
                REFERENCES review.orgs (org_id),
            rule_id text NOT NULL,
            base_revision bigint NOT NULL,
            rule text NOT NULL,
            expected bigint,
            basis text,
            above bigint NOT NULL,
            note text NOT NULL,
            state text NOT NULL,
            proposed_by text NOT NULL,
            proposed_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            decided_by text,
            decided_at timestamptz,
            reason text,
            revision bigint,
            CONSTRAINT rule_proposals_state_check CHECK (
                state IN ('OPEN', 'APPROVED', 'DECLINED', 'WITHDRAWN', 'REPLACED'))
        )
        """
    )
    op.execute(
        "CREATE INDEX rule_proposals_org_id_proposal_id_ix"
        " ON review.rule_proposals (org_id, proposal_id)"
    )
    op.execute(
        "CREATE UNIQUE INDEX rule_proposals_open_uq"
        " ON review.rule_proposals (org_id, rule_id) WHERE state = 'OPEN'"
    )


def downgrade() -> None:
    op.execute("DROP TABLE review.rule_proposals")
