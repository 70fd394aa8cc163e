"""What was said of decisions, and of actions that the platform asked for, is found by its words.

Revision: 0026
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_DECISIONS = """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS decisions_words_ix ON review.decisions USING gin
        ((to_tsvector('simple'::regconfig, coalesce(reason, '') || ' ' || coalesce(note, ''))
            || array_to_tsvector(ARRAY['org:' || org_id])))
"""
# Not on the days that are there: they are over with the retention, and rules say nothing.
_ACTIONS = """
    -- squawk-ignore require-concurrent-index-creation
    CREATE INDEX requested_actions_words_ix ON ONLY review.requested_actions USING gin
        ((to_tsvector('simple'::regconfig, coalesce(note, ''))
            || array_to_tsvector(ARRAY['org:' || org_id])))
        WHERE note IS NOT NULL
"""


def upgrade() -> None:
    op.execute(_ACTIONS)
    with op.get_context().autocommit_block():
        # One that was stopped half-way is there, and is good for nothing.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS review.decisions_words_ix")
        op.execute(_DECISIONS)


def downgrade() -> None:
    op.execute("DROP INDEX review.decisions_words_ix")
    op.execute("DROP INDEX review.requested_actions_words_ix")
