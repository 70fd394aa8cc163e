"""Media that were hashed lately, by day; partitions are made and dropped by the tables' owner.

Revision: 0003
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# What a caller says becomes names of tables: it has to be a partition of a table of ours.
_CHECK = """
    IF partition !~ ('^' || parent || '_p[0-9]{8}([0-9]{2})?$') OR NOT EXISTS (
        SELECT FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
        WHERE c.relname = parent AND c.relnamespace = 'hashes'::regnamespace
    ) THEN
        RAISE EXCEPTION '% is no partition of %', partition, parent
            USING ERRCODE = 'insufficient_privilege';
    END IF;
"""
_ATTACHED = """
    SELECT FROM pg_inherits
    WHERE inhrelid = to_regclass(format('hashes.%I', partition))
      AND inhparent = to_regclass(format('hashes.%I', parent))
"""
_UP = (
    f"""
    CREATE FUNCTION hashes.make_partition(
        parent text, partition text, since timestamptz, until timestamptz
    ) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        {_CHECK}
        PERFORM pg_advisory_xact_lock(hashtextextended('hashes.' || partition, 0));
        IF EXISTS ({_ATTACHED}) THEN
            RETURN;
        END IF;
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS hashes.%I (LIKE hashes.%I INCLUDING DEFAULTS)',
            partition, parent);
        EXECUTE format(
            'ALTER TABLE hashes.%I ATTACH PARTITION hashes.%I FOR VALUES FROM (%L) TO (%L)',
            parent, partition, since, until);
    END
    $$
    """,
    f"""
    CREATE FUNCTION hashes.drop_partition(parent text, partition text) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        {_CHECK}
        IF EXISTS ({_ATTACHED}) THEN
            EXECUTE format('DROP TABLE IF EXISTS hashes.%I', partition);
        END IF;
    END
    $$
    """,
    # `place` is the medium's among those of its submission. An address that is looked at again may
    # have given another file: both were seen, hence the MD5 in the key.
    """
    CREATE TABLE hashes.seen_media (
        org_id text NOT NULL,
        time timestamptz NOT NULL,
        submission_id text NOT NULL,
        place smallint NOT NULL,
        md5 bytea NOT NULL,
        pdq bit(256),
        pdq_upright bit(256),
        quality smallint,
        kind text NOT NULL,
        item_id text NOT NULL,
        type_id text NOT NULL,
        field text NOT NULL,
        CONSTRAINT seen_media_pkey PRIMARY KEY (org_id, time, submission_id, place, md5)
    ) PARTITION BY RANGE (time)
    """,
    "CREATE INDEX seen_media_item ON hashes.seen_media (org_id, item_id, type_id)",
)


def upgrade() -> None:
    """What a hash that is added later is looked for in."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drops it: copies of what was seen before are found no more."""
    op.execute("DROP TABLE hashes.seen_media")
    op.execute("DROP FUNCTION hashes.drop_partition(text, text)")
    op.execute("DROP FUNCTION hashes.make_partition(text, text, timestamptz, timestamptz)")
