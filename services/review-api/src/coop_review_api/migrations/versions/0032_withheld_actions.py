"""Actions of decisions that wait until the evidence of a report to NCMEC is held.

Revision: 0032
"""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE review.withheld_actions (
            decision_id text NOT NULL,
            org_id text NOT NULL,
            wait interval NOT NULL,
            leaves_at timestamptz,
            topics text[] NOT NULL,
            keys bytea[] NOT NULL,
            payloads bytea[] NOT NULL,
            headers jsonb NOT NULL,
            CONSTRAINT withheld_actions_pkey PRIMARY KEY (decision_id),
            CONSTRAINT withheld_actions_decision_id_fkey
                FOREIGN KEY (decision_id) REFERENCES review.decisions (decision_id)
        )
    """)
    op.execute("CREATE INDEX withheld_actions_leaves_at_ix ON review.withheld_actions (leaves_at)")


def downgrade() -> None:
    # What still waits leaves: it was decided.
    op.execute("""
        INSERT INTO review.outbox (topic, key, value, headers)
        SELECT message.topic, message.key, message.value,
               w.headers -> CAST(message.position - 1 AS int)
          FROM review.withheld_actions w, unnest(w.topics, w.keys, w.payloads)
               WITH ORDINALITY AS message (topic, key, value, position)
         ORDER BY w.leaves_at, w.decision_id, message.position
    """)
    op.execute("DROP TABLE review.withheld_actions")
