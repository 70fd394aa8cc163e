"""Partitions are made and dropped by the owner of the tables, for whoever has only their rows.

Revision: 0017
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# What a caller says becomes names of tables: it has to be a partition of a table of ours.
_CHECK = """
    IF partition !~ ('^' || parent || '_p[0-9]{8}([0-9]{2})?$') OR NOT EXISTS (
        SELECT FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
        WHERE c.relname = parent AND c.relnamespace = 'review'::regnamespace
    ) THEN
        RAISE EXCEPTION '% is no partition of %', partition, parent
            USING ERRCODE = 'insufficient_privilege';
    END IF;
"""
_ATTACHED = """
    SELECT FROM pg_inherits
    WHERE inhrelid = to_regclass(format('review.%I', partition))
      AND inhparent = to_regclass(format('review.%I', parent))
"""
_STATEMENTS = (
    f"""
    CREATE FUNCTION review.make_partition(
        parent text, partition text, since timestamptz, until timestamptz
    ) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        {_CHECK}
        PERFORM pg_advisory_xact_lock(hashtextextended('review.' || partition, 0));
        IF EXISTS ({_ATTACHED}) THEN
            RETURN;
        END IF;
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS review.%I (LIKE review.%I INCLUDING DEFAULTS)',
            partition, parent);
        EXECUTE format(
            'ALTER TABLE review.%I ATTACH PARTITION review.%I FOR VALUES FROM (%L) TO (%L)',
            parent, partition, since, until);
    END
    $$
    """,
    f"""
    CREATE FUNCTION review.drop_partition(parent text, partition text) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        {_CHECK}
        IF EXISTS ({_ATTACHED}) THEN
            EXECUTE format('DROP TABLE IF EXISTS review.%I', partition);
        END IF;
    END
    $$
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP FUNCTION review.drop_partition(text, text)")
    op.execute("DROP FUNCTION review.make_partition(text, text, timestamptz, timestamptz)")
