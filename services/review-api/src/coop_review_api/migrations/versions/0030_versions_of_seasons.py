"""A key has a version of its seasons, so that what is remembered of them can be trusted.

A trigger raises it: also for a relay of the version before, which knows nothing of it.

Revision: 0030
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_CHANGES = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}


def upgrade() -> None:
    op.execute("ALTER TABLE review.tally_keys ADD COLUMN seasons_version bigint NOT NULL DEFAULT 0")
    # In one order, so that several which change seasons never wait for each other in a circle.
    op.execute("""
        CREATE FUNCTION review.raise_seasons_version() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE review.tally_keys k SET seasons_version = k.seasons_version + 1
              FROM (SELECT key_id FROM review.tally_keys
                     WHERE key_id IN (SELECT key_id FROM changed)
                     ORDER BY key_id FOR NO KEY UPDATE) AS locked
             WHERE k.key_id = locked.key_id;
            RETURN NULL;
        END $$
    """)
    for change, table in _CHANGES.items():
        op.execute(f"""
            CREATE TRIGGER tally_seasons_{change.lower()}_version
            AFTER {change} ON review.tally_seasons
            REFERENCING {table} TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION review.raise_seasons_version()
        """)


def downgrade() -> None:
    for change in _CHANGES:
        op.execute(f"DROP TRIGGER tally_seasons_{change.lower()}_version ON review.tally_seasons")
    op.execute("DROP FUNCTION review.raise_seasons_version()")
    op.execute("ALTER TABLE review.tally_keys DROP COLUMN seasons_version")
