"""Invitations, second factors, resets, sessions.

Everybody signs in again: sessions from before have no id to be listed under.

Revision: 0006
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE review.users DROP CONSTRAINT users_status_check",
    """
    ALTER TABLE review.users
        ALTER COLUMN password_hash DROP NOT NULL,
        ADD COLUMN is_break_glass boolean NOT NULL DEFAULT false,
        ADD COLUMN last_login_at timestamptz,
        ADD COLUMN wellness jsonb,
        ADD COLUMN preferences jsonb NOT NULL DEFAULT '{}'::jsonb,
        ADD CONSTRAINT users_status_check
            CHECK (status IN ('PENDING', 'ACTIVE', 'DISABLED', 'REJECTED', 'REMOVED'))
    """,
    "CREATE INDEX users_org_id_role_ix ON review.users (org_id, role)",
    "DELETE FROM review.sessions",
    """
    ALTER TABLE review.sessions
        ADD COLUMN session_id text NOT NULL
            CONSTRAINT sessions_session_id_key UNIQUE,
        ADD COLUMN user_agent text NOT NULL,
        ADD COLUMN method text NOT NULL
            CONSTRAINT sessions_method_check CHECK (method IN ('PASSWORD', 'SINGLE_SIGN_ON'))
    """,
    """
    CREATE TABLE review.invitations (
        invitation_id text CONSTRAINT invitations_pkey PRIMARY KEY,
        org_id text NOT NULL CONSTRAINT invitations_org_id_fkey REFERENCES review.orgs (org_id),
        email text NOT NULL,
        role text NOT NULL,
        requires_approval boolean NOT NULL,
        token_hash bytea NOT NULL CONSTRAINT invitations_token_hash_key UNIQUE,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL,
        sent_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        accepted_at timestamptz,
        revoked_at timestamptz
    )
    """,
    """
    CREATE INDEX invitations_org_id_invitation_id_ix
        ON review.invitations (org_id, invitation_id)
    """,
    """
    CREATE UNIQUE INDEX invitations_open_key ON review.invitations (org_id, email)
        WHERE accepted_at IS NULL AND revoked_at IS NULL
    """,
    """
    CREATE TABLE review.password_resets (
        token_hash bytea CONSTRAINT password_resets_pkey PRIMARY KEY,
        user_id text NOT NULL CONSTRAINT password_resets_user_id_key UNIQUE
            CONSTRAINT password_resets_user_id_fkey
                REFERENCES review.users (user_id) ON DELETE CASCADE,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX password_resets_expires_at_ix ON review.password_resets (expires_at)",
    """
    CREATE TABLE review.second_factors (
        user_id text CONSTRAINT second_factors_pkey PRIMARY KEY
            CONSTRAINT second_factors_user_id_fkey
                REFERENCES review.users (user_id) ON DELETE CASCADE,
        secret text NOT NULL,
        created_at timestamptz NOT NULL,
        confirmed_at timestamptz,
        last_step bigint
    )
    """,
    """
    CREATE TABLE review.recovery_codes (
        user_id text NOT NULL CONSTRAINT recovery_codes_user_id_fkey
            REFERENCES review.users (user_id) ON DELETE CASCADE,
        code_hash bytea NOT NULL,
        used_at timestamptz,
        CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash)
    )
    """,
    """
    CREATE TABLE review.login_challenges (
        token_hash bytea CONSTRAINT login_challenges_pkey PRIMARY KEY,
        user_id text NOT NULL CONSTRAINT login_challenges_user_id_fkey
            REFERENCES review.users (user_id) ON DELETE CASCADE,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        failures integer NOT NULL DEFAULT 0
    )
    """,
    "CREATE INDEX login_challenges_user_id_ix ON review.login_challenges (user_id)",
    "CREATE INDEX login_challenges_expires_at_ix ON review.login_challenges (expires_at)",
    "ALTER TABLE review.mails ADD COLUMN link text",
    "DROP INDEX review.config_current_name_key",
    """
    CREATE UNIQUE INDEX config_current_name_key
        ON review.config_current (org_id, kind, (document ->> 'name'))
        WHERE document IS NOT NULL AND kind IN
            ('item-type', 'policy', 'action', 'rule', 'routing-rule', 'queue', 'text-bank',
             'location-bank', 'hash-bank', 'role')
    """,
)

_BACK = (
    "DROP INDEX review.config_current_name_key",
    """
    CREATE UNIQUE INDEX config_current_name_key
        ON review.config_current (org_id, kind, (document ->> 'name'))
        WHERE document IS NOT NULL AND kind IN
            ('item-type', 'policy', 'action', 'rule', 'routing-rule', 'queue', 'text-bank',
             'location-bank', 'hash-bank')
    """,
    "DELETE FROM review.mails WHERE link IS NOT NULL",
    "ALTER TABLE review.mails DROP COLUMN link",
    """
    DROP TABLE review.login_challenges, review.recovery_codes, review.second_factors,
        review.password_resets, review.invitations
    """,
    """
    ALTER TABLE review.sessions
        DROP COLUMN session_id, DROP COLUMN user_agent, DROP COLUMN method
    """,
    "DROP INDEX review.users_org_id_role_ix",
    "ALTER TABLE review.users DROP CONSTRAINT users_status_check",
    "UPDATE review.users SET status = 'DISABLED' WHERE status <> 'ACTIVE'",
    "UPDATE review.users SET password_hash = '' WHERE password_hash IS NULL",
    """
    ALTER TABLE review.users
        ALTER COLUMN password_hash SET NOT NULL,
        DROP COLUMN is_break_glass,
        DROP COLUMN last_login_at,
        DROP COLUMN wellness,
        DROP COLUMN preferences,
        ADD CONSTRAINT users_status_check CHECK (status IN ('ACTIVE', 'DISABLED'))
    """,
)


def upgrade() -> None:
    """Creates the tables, and what accounts and sessions need to say."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drops them, with open invitations and second factors."""
    for statement in _BACK:
        op.execute(statement)
