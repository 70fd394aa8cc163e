"""Alarms, notifications, the queue of mails, the history of strikes.

Revision: 0005
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE review.alarms (
        org_id text NOT NULL CONSTRAINT alarms_org_id_fkey REFERENCES review.orgs (org_id),
        cause_id text NOT NULL,
        kind text NOT NULL,
        data jsonb NOT NULL,
        raised_at timestamptz NOT NULL,
        CONSTRAINT alarms_pkey PRIMARY KEY (org_id, cause_id)
    )
    """,
    """
    CREATE TABLE review.notifications (
        notification_id bigint GENERATED ALWAYS AS IDENTITY
            CONSTRAINT notifications_pkey PRIMARY KEY,
        org_id text NOT NULL CONSTRAINT notifications_org_id_fkey REFERENCES review.orgs (org_id),
        user_id text NOT NULL CONSTRAINT notifications_user_id_fkey
            REFERENCES review.users (user_id) ON DELETE CASCADE,
        cause_id text NOT NULL,
        kind text NOT NULL,
        data jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        read_at timestamptz,
        CONSTRAINT notifications_user_id_cause_id_key UNIQUE (user_id, cause_id)
    )
    """,
    """
    CREATE INDEX notifications_user_id_notification_id_ix
        ON review.notifications (user_id, notification_id)
    """,
    """
    CREATE INDEX notifications_unread_ix ON review.notifications (user_id, notification_id)
        WHERE read_at IS NULL
    """,
    "CREATE INDEX notifications_created_at_ix ON review.notifications (created_at)",
    """
    CREATE TABLE review.mails (
        mail_id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT mails_pkey PRIMARY KEY,
        org_id text NOT NULL CONSTRAINT mails_org_id_fkey REFERENCES review.orgs (org_id),
        recipient text NOT NULL,
        cause_id text NOT NULL,
        subject text NOT NULL,
        plain text NOT NULL,
        html text NOT NULL,
        state text NOT NULL DEFAULT 'PENDING',
        attempts integer NOT NULL DEFAULT 0,
        next_attempt_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL,
        finished_at timestamptz,
        last_error text,
        CONSTRAINT mails_recipient_org_id_cause_id_key UNIQUE (recipient, org_id, cause_id),
        CONSTRAINT mails_state_check CHECK (state IN ('PENDING', 'SENT', 'DEAD'))
    )
    """,
    """
    CREATE INDEX mails_due_ix ON review.mails (next_attempt_at) WHERE state = 'PENDING'
    """,
    """
    CREATE INDEX mails_finished_ix ON review.mails (finished_at) WHERE state <> 'PENDING'
    """,
    """
    CREATE TABLE review.strike_changes (
        change_id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT strike_changes_pkey PRIMARY KEY,
        event_id text NOT NULL CONSTRAINT strike_changes_event_id_key UNIQUE,
        org_id text NOT NULL,
        user_digest bytea NOT NULL,
        cause_id text NOT NULL,
        policy_id text,
        delta integer NOT NULL,
        total integer NOT NULL,
        crossed integer[] NOT NULL,
        changed_at timestamptz NOT NULL
    )
    """,
    """
    CREATE INDEX strike_changes_user_digest_change_id_ix
        ON review.strike_changes (user_digest, change_id)
    """,
    "CREATE INDEX strike_changes_changed_at_ix ON review.strike_changes (changed_at)",
)


def upgrade() -> None:
    """Creates the tables."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drops them, with unsent mails."""
    op.execute(
        "DROP TABLE review.strike_changes, review.mails, review.notifications, review.alarms"
    )
