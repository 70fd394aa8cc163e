"""Backtests and retroactions, and their samples.

Revision: 0004
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE review.retroactions (
        retroaction_id text CONSTRAINT retroactions_pkey PRIMARY KEY,
        org_id text NOT NULL CONSTRAINT retroactions_org_id_fkey REFERENCES review.orgs (org_id),
        rate double precision NOT NULL,
        preview_id text NOT NULL,
        run_id text,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL,
        confirmed_by text,
        confirmed_at timestamptz,
        cancelled_at timestamptz
    )
    """,
    """
    CREATE INDEX retroactions_org_id_retroaction_id_ix
        ON review.retroactions (org_id, retroaction_id)
    """,
    """
    CREATE TABLE review.backtests (
        backtest_id text CONSTRAINT backtests_pkey PRIMARY KEY,
        org_id text NOT NULL CONSTRAINT backtests_org_id_fkey REFERENCES review.orgs (org_id),
        retroaction_id text CONSTRAINT backtests_retroaction_id_fkey
            REFERENCES review.retroactions (retroaction_id) ON DELETE CASCADE,
        rule_id text NOT NULL,
        rule_revision bigint,
        rule text NOT NULL,
        start_time timestamptz NOT NULL,
        end_time timestamptz NOT NULL,
        values_of text NOT NULL
            CONSTRAINT backtests_values_check CHECK (values_of IN ('RECORDED', 'TODAY')),
        acts boolean NOT NULL,
        rate double precision,
        state text NOT NULL CONSTRAINT backtests_state_check
            CHECK (state IN ('REQUESTED', 'RUNNING', 'COMPLETE', 'CANCELLED', 'FAILED')),
        cancel_requested_at timestamptz,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        progress double precision NOT NULL DEFAULT 0,
        scanned bigint NOT NULL DEFAULT 0,
        evaluated bigint NOT NULL DEFAULT 0,
        passed bigint NOT NULL DEFAULT 0,
        unknown bigint NOT NULL DEFAULT 0,
        newly_passing bigint NOT NULL DEFAULT 0,
        no_longer_passing bigint NOT NULL DEFAULT 0,
        acted bigint NOT NULL DEFAULT 0,
        skipped bigint NOT NULL DEFAULT 0,
        unavailable jsonb NOT NULL DEFAULT '{}'::jsonb,
        data_from timestamptz,
        error text
    )
    """,
    "CREATE INDEX backtests_retroaction_id_ix ON review.backtests (retroaction_id)",
    "CREATE INDEX backtests_org_id_backtest_id_ix ON review.backtests (org_id, backtest_id)",
    """
    CREATE TABLE review.backtest_samples (
        backtest_id text NOT NULL CONSTRAINT backtest_samples_backtest_id_fkey
            REFERENCES review.backtests (backtest_id) ON DELETE CASCADE,
        rank uuid NOT NULL,
        submission_id text NOT NULL,
        item_type_id text NOT NULL,
        item_id text NOT NULL,
        time timestamptz NOT NULL,
        passed boolean,
        live boolean,
        conditions text NOT NULL,
        CONSTRAINT backtest_samples_pkey PRIMARY KEY (backtest_id, rank)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
