"""Recent submissions are found by their item.

Revision: 0013
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What an item said last, and whose it is, is asked for by its id.

    Of the parent only, which locks nothing: every partition that is made from now on has it, and
    those that are there are gone within hours.
    """
    op.execute(
        """
        -- squawk-ignore require-concurrent-index-creation
        CREATE INDEX recent_submissions_org_id_item_id_time_ix
            ON ONLY review.recent_submissions (org_id, item_id, time)
        """
    )


def downgrade() -> None:
    """They are found by their submission and their owner only."""
    op.execute("DROP INDEX review.recent_submissions_org_id_item_id_time_ix")
