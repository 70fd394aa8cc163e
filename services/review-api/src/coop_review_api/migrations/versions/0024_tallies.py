"""Figures over time: tallies by quarter of an hour, what was counted, how many jobs were open.

Decisions that are there are counted by the relay once it runs, actions by the projector. Stopped
anywhere, it can be run again: indexes are made outside a transaction.

Revision: 0024
"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS review.tally_keys (
        key_id bigint GENERATED ALWAYS AS IDENTITY,
        org_id text NOT NULL,
        figure text NOT NULL,
        split text NOT NULL,
        dimension_values text[] NOT NULL,
        grave boolean NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT tally_keys_pkey PRIMARY KEY (key_id),
        CONSTRAINT tally_keys_key UNIQUE (org_id, figure, split, dimension_values, grave)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS review.tallies (
        key_id bigint NOT NULL,
        day date NOT NULL,
        counts integer[] NOT NULL,
        CONSTRAINT tallies_pkey PRIMARY KEY (key_id, day),
        CONSTRAINT tallies_key_id_fkey FOREIGN KEY (key_id) REFERENCES review.tally_keys (key_id)
    ) WITH (fillfactor = 80)
    """,
    """
    CREATE TABLE IF NOT EXISTS review.tally_weeks (
        key_id bigint NOT NULL,
        day date NOT NULL,
        counts integer[] NOT NULL,
        CONSTRAINT tally_weeks_pkey PRIMARY KEY (key_id, day),
        CONSTRAINT tally_weeks_key_id_fkey FOREIGN KEY (key_id)
            REFERENCES review.tally_keys (key_id)
    ) WITH (toast_tuple_target = 4096)
    """,
    "ALTER TABLE review.tally_weeks ALTER COLUMN counts SET STORAGE MAIN",
    "CREATE INDEX IF NOT EXISTS tally_weeks_day_ix ON review.tally_weeks (day)",
    "CREATE INDEX IF NOT EXISTS tally_keys_made_at_ix ON review.tally_keys (made_at)",
    "CREATE INDEX IF NOT EXISTS tallies_day_ix ON review.tallies (day)",
    """
    CREATE TABLE IF NOT EXISTS review.tally_horizons (
        counted_table text NOT NULL,
        dropped_before timestamptz NOT NULL,
        CONSTRAINT tally_horizons_pkey PRIMARY KEY (counted_table)
    )
    """,
    """
    INSERT INTO review.tally_horizons (counted_table, dropped_before)
    VALUES ('requested_actions', '1970-01-01Z'), ('evaluation_rules', '1970-01-01Z'),
           ('counted_evaluations', '1970-01-01Z')
    ON CONFLICT DO NOTHING
    """,
    """
    CREATE TABLE IF NOT EXISTS review.open_job_times (
        time timestamptz NOT NULL,
        CONSTRAINT open_job_times_pkey PRIMARY KEY (time)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS review.open_jobs (
        org_id text NOT NULL,
        time timestamptz NOT NULL,
        queue_id text NOT NULL,
        grave boolean NOT NULL,
        units integer NOT NULL,
        CONSTRAINT open_jobs_pkey PRIMARY KEY (org_id, time, queue_id, grave)
    )
    """,
    "CREATE INDEX IF NOT EXISTS open_jobs_time_ix ON review.open_jobs (time)",
    """
    CREATE TABLE IF NOT EXISTS review.counted_evaluations (
        evaluation uuid NOT NULL,
        time timestamptz NOT NULL,
        CONSTRAINT counted_evaluations_pkey PRIMARY KEY (evaluation, time)
    ) PARTITION BY RANGE (time)
    """,
    """
    CREATE TABLE IF NOT EXISTS review.evaluation_windows (
        start timestamptz NOT NULL,
        written_at timestamptz NOT NULL,
        CONSTRAINT evaluation_windows_pkey PRIMARY KEY (start)
    )
    """,
    """
    ALTER TABLE review.requested_actions
        ADD COLUMN IF NOT EXISTS taken_back boolean,
        ADD COLUMN IF NOT EXISTS counted boolean,
        ADD COLUMN IF NOT EXISTS grave boolean
    """,
    """
    ALTER TABLE review.decisions
        ADD COLUMN IF NOT EXISTS counted boolean,
        ADD COLUMN IF NOT EXISTS grave boolean
    """,
)
_UNCOUNTED = """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS decisions_uncounted_ix
        ON review.decisions (decided_at) WHERE counted IS DISTINCT FROM (undone_at IS NULL)
"""


def upgrade() -> None:
    for statement in _TABLES:
        op.execute(statement)
    with op.get_context().autocommit_block():
        # One that was stopped half-way is there, and is good for nothing.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS review.decisions_uncounted_ix")
        op.execute(_UNCOUNTED)


def downgrade() -> None:
    """Drops the counts: of what is kept they can be made again."""
    op.execute("DROP INDEX review.decisions_uncounted_ix")
    op.execute("ALTER TABLE review.decisions DROP COLUMN counted, DROP COLUMN grave")
    op.execute(
        """
        ALTER TABLE review.requested_actions
            DROP COLUMN taken_back, DROP COLUMN counted, DROP COLUMN grave
        """
    )
    for name in (
        "tallies",
        "tally_weeks",
        "tally_keys",
        "tally_horizons",
        "open_jobs",
        "open_job_times",
        "counted_evaluations",
        "evaluation_windows",
    ):
        op.execute(f"DROP TABLE review.{name}")
