"""Single sign-on: requests under way, assertions seen, domains of organisations.

Revision: 0007
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NAMED = """
    CREATE UNIQUE INDEX config_current_name_key
        ON review.config_current (org_id, kind, (document ->> 'name'))
        WHERE document IS NOT NULL AND kind IN
            ('item-type', 'policy', 'action', 'rule', 'routing-rule', 'queue', 'text-bank',
             'location-bank', 'hash-bank', 'role'{more})
"""

_STATEMENTS = (
    """
    CREATE TABLE review.sso_attempts (
        state_hash bytea CONSTRAINT sso_attempts_pkey PRIMARY KEY,
        org_id text NOT NULL CONSTRAINT sso_attempts_org_id_fkey REFERENCES review.orgs (org_id),
        provider_id text NOT NULL,
        browser_hash bytea NOT NULL,
        address_hash bytea NOT NULL,
        message_id text NOT NULL,
        return_to text NOT NULL,
        expires_at timestamptz NOT NULL,
        answered_at timestamptz,
        ticket_hash bytea CONSTRAINT sso_attempts_ticket_hash_key UNIQUE,
        user_id text CONSTRAINT sso_attempts_user_id_fkey
            REFERENCES review.users (user_id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX sso_attempts_expires_at_ix ON review.sso_attempts (expires_at)",
    "CREATE INDEX sso_attempts_address_hash_ix ON review.sso_attempts (address_hash)",
    "CREATE INDEX sso_attempts_provider_id_ix ON review.sso_attempts (provider_id)",
    """
    CREATE TABLE review.sso_assertions (
        provider_id text NOT NULL,
        assertion_hash bytea NOT NULL,
        expires_at timestamptz NOT NULL,
        CONSTRAINT sso_assertions_pkey PRIMARY KEY (provider_id, assertion_hash)
    )
    """,
    "CREATE INDEX sso_assertions_expires_at_ix ON review.sso_assertions (expires_at)",
    """
    CREATE TABLE review.sso_domains (
        domain text CONSTRAINT sso_domains_pkey PRIMARY KEY,
        org_id text NOT NULL CONSTRAINT sso_domains_org_id_fkey REFERENCES review.orgs (org_id),
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX sso_domains_org_id_ix ON review.sso_domains (org_id)",
    # A provider is found by its id alone: the address in the browser names no organisation.
    """
    CREATE UNIQUE INDEX config_current_identity_provider_key ON review.config_current (id)
        WHERE kind = 'identity-provider'
    """,
    "DROP INDEX review.config_current_name_key",
    _NAMED.format(more=", 'identity-provider'"),
)

_BACK = (
    "DROP INDEX review.config_current_name_key",
    _NAMED.format(more=""),
    "DROP INDEX review.config_current_identity_provider_key",
    "DROP TABLE review.sso_domains, review.sso_assertions, review.sso_attempts",
)


def upgrade() -> None:
    """Creates the tables; providers are found by id, their names are unique."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drops them, with the domains that the operator entered."""
    for statement in _BACK:
        op.execute(statement)
