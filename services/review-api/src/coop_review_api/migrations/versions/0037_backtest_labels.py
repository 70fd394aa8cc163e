"""What people decided of the items of a backtest.

Revision: 0037
"""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE review.backtest_labels (
            backtest_id text NOT NULL CONSTRAINT backtest_labels_backtest_id_fkey
                REFERENCES review.backtests (backtest_id) ON DELETE CASCADE,
            position integer NOT NULL,
            item_type_id text NOT NULL,
            item_id text NOT NULL,
            job_id text NOT NULL,
            acted boolean NOT NULL,
            decided_at timestamptz NOT NULL,
            said text NOT NULL DEFAULT '-',
            CONSTRAINT backtest_labels_pkey PRIMARY KEY (backtest_id, position),
            CONSTRAINT backtest_labels_said_check CHECK (said IN ('P', 'F', 'U', '-'))
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE review.backtest_labels")
