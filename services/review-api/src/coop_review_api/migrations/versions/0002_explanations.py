"""What the projector keeps: evaluations, submissions, executions, deliveries; names of new kinds.

Revision: 0002
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _submissions(table: str) -> str:
    return f"""
    CREATE TABLE review.{table} (
        org_id text NOT NULL,
        submission_id text NOT NULL,
        time timestamptz NOT NULL,
        item_type_id text NOT NULL,
        item_id text NOT NULL,
        config_revision bigint NOT NULL,
        item text NOT NULL,
        CONSTRAINT {table}_pkey PRIMARY KEY (org_id, submission_id, time)
    ) PARTITION BY RANGE (time)
    """


_STATEMENTS = (
    _submissions("recent_submissions"),
    _submissions("submissions"),
    """
    CREATE TABLE review.submission_windows (
        start timestamptz CONSTRAINT submission_windows_pkey PRIMARY KEY,
        written_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE review.evaluations (
        org_id text NOT NULL,
        submission_id text NOT NULL,
        lane text NOT NULL,
        time timestamptz NOT NULL,
        evaluated_at timestamptz NOT NULL,
        item_key uuid NOT NULL,
        item_type_id text NOT NULL,
        item_id text NOT NULL,
        config_revision bigint NOT NULL,
        matched boolean NOT NULL,
        sampled boolean NOT NULL,
        event text NOT NULL,
        CONSTRAINT evaluations_pkey PRIMARY KEY (org_id, submission_id, lane, time)
    ) PARTITION BY RANGE (time)
    """,
    """
    CREATE INDEX evaluations_org_id_item_key_time_ix
        ON review.evaluations (org_id, item_key, time)
    """,
    """
    CREATE TABLE review.evaluation_rules (
        org_id text NOT NULL,
        rule_id text NOT NULL,
        time timestamptz NOT NULL,
        submission_id text NOT NULL,
        lane text NOT NULL,
        rule_revision bigint NOT NULL,
        passed boolean,
        CONSTRAINT evaluation_rules_pkey
            PRIMARY KEY (org_id, rule_id, time, submission_id, lane)
    ) PARTITION BY RANGE (time)
    """,
    """
    CREATE TABLE review.executions (
        org_id text NOT NULL,
        execution_id text NOT NULL,
        time timestamptz NOT NULL,
        action_id text NOT NULL,
        submission_id text NOT NULL,
        lane text NOT NULL,
        CONSTRAINT executions_pkey PRIMARY KEY (org_id, execution_id, time)
    ) PARTITION BY RANGE (time)
    """,
    """
    CREATE TABLE review.deliveries (
        org_id text NOT NULL,
        execution_id text NOT NULL,
        time timestamptz NOT NULL,
        action_id text NOT NULL,
        state text NOT NULL,
        attempts integer NOT NULL,
        status integer,
        error text,
        CONSTRAINT deliveries_pkey PRIMARY KEY (org_id, execution_id, time)
    ) PARTITION BY RANGE (time)
    """,
    """
    CREATE INDEX decisions_executions_ix
        ON review.decisions USING gin (executions jsonb_path_ops)
    """,
    "DROP INDEX review.config_current_name_key",
    """
    CREATE UNIQUE INDEX config_current_name_key
        ON review.config_current (org_id, kind, (document ->> 'name'))
        WHERE document IS NOT NULL AND kind IN
            ('item-type', 'policy', 'action', 'rule', 'routing-rule', 'queue', 'text-bank',
             'location-bank', 'hash-bank')
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
