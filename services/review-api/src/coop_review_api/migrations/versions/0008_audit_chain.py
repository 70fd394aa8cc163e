"""The chain of hashes over the audit log and the configuration log, and its anchors.

Revision: 0008

Rows are chained when their transaction commits (deferred triggers), so that the order of the chain
is the order of the commits, and nobody waits for another's transaction but for its last moment.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ROWS = {
    # source: table, id, chain, what is hashed
    "AUDIT": (
        "audit_log",
        "audit_id",
        "coalesce(r.org_id, '')",
        (
            "r.audit_id::text",
            "r.org_id",
            "review.chain_time(r.time)",
            "r.actor",
            "r.action",
            "r.target_kind",
            "r.target_id",
            "r.detail::text",
        ),
    ),
    "CONFIG": (
        "config_log",
        "log_id",
        "r.org_id",
        (
            "r.log_id::text",
            "r.org_id",
            "r.revision::text",
            "r.kind",
            "r.id",
            "r.document::text",
            "r.author",
            "review.chain_time(r.time)",
        ),
    ),
}

_TABLES = (
    """
    CREATE TABLE review.audit_chain (
        chain text NOT NULL,
        sequence bigint NOT NULL,
        source text NOT NULL
            CONSTRAINT audit_chain_source_check CHECK (source IN ('AUDIT', 'CONFIG')),
        row_id bigint NOT NULL,
        hash bytea NOT NULL,
        CONSTRAINT audit_chain_pkey PRIMARY KEY (chain, sequence),
        CONSTRAINT audit_chain_source_row_id_key UNIQUE (source, row_id)
    )
    """,
    """
    CREATE TABLE review.audit_anchors (
        chain text NOT NULL,
        sequence bigint NOT NULL,
        hash bytea NOT NULL,
        anchored_at timestamptz NOT NULL,
        mac text NOT NULL,
        CONSTRAINT audit_anchors_pkey PRIMARY KEY (chain, sequence)
    )
    """,
    """
    CREATE FUNCTION review.chain_time(value timestamptz) RETURNS text IMMUTABLE LANGUAGE sql AS $$
        SELECT ((extract(epoch FROM value) * 1000000)::bigint)::text
    $$
    """,
    # Lengths make the join unambiguous.
    """
    CREATE FUNCTION review.chain_fields(VARIADIC fields text[]) RETURNS bytea
        IMMUTABLE LANGUAGE sql AS $$
        SELECT convert_to(string_agg(
            CASE WHEN field IS NULL THEN '-'
                 ELSE octet_length(convert_to(field, 'UTF8')) || ':' || field END,
            '' ORDER BY number), 'UTF8')
          FROM unnest(fields) WITH ORDINALITY AS f (field, number)
    $$
    """,
    """
    CREATE FUNCTION review.chain_append(of text, source text, row_id bigint, digest bytea)
        RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        newest record;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended('review.audit_chain/' || of, 0));
        SELECT c.sequence, c.hash INTO newest
          FROM review.audit_chain c WHERE c.chain = of ORDER BY c.sequence DESC LIMIT 1;
        INSERT INTO review.audit_chain (chain, sequence, source, row_id, hash)
        VALUES (of, coalesce(newest.sequence, 0) + 1, source, row_id,
                sha256(coalesce(newest.hash, ''::bytea) || digest));
    END
    $$
    """,
    *(
        f"""
        CREATE TRIGGER {table}_append_only
            BEFORE UPDATE OR DELETE OR TRUNCATE ON review.{table}
            FOR EACH STATEMENT EXECUTE FUNCTION review.refuse_change()
        """
        for table in ("audit_chain", "audit_anchors")
    ),
)


def _digest(source: str) -> str:
    fields = ", ".join(_ROWS[source][3])
    return f"sha256(review.chain_fields('{source}', {fields}))"


def _triggers(source: str) -> tuple[str, ...]:
    table, row_id, chain, _ = _ROWS[source]
    return (
        f"""
        CREATE FUNCTION review.chain_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            r review.{table} := NEW;
        BEGIN
            PERFORM review.chain_append({chain}, '{source}', r.{row_id}, {_digest(source)});
            RETURN NULL;
        END
        $$
        """,
        f"""
        CREATE CONSTRAINT TRIGGER {table}_chained AFTER INSERT ON review.{table}
            DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION review.chain_{table}()
        """,
    )


def _existing(source: str) -> str:
    """What was there before the chain begins it, in its order."""
    table, row_id, chain, _ = _ROWS[source]
    return f"""
        DO $$
        DECLARE
            r review.{table};
        BEGIN
            FOR r IN SELECT * FROM review.{table} ORDER BY {row_id} LOOP
                PERFORM review.chain_append({chain}, '{source}', r.{row_id}, {_digest(source)});
            END LOOP;
        END
        $$
    """  # noqa: S608 - constants only


def upgrade() -> None:
    for statement in _TABLES:
        op.execute(statement)
    for source in _ROWS:
        op.execute(_existing(source))
        for statement in _triggers(source):
            op.execute(statement)


def downgrade() -> None:
    for table, _, _, _ in _ROWS.values():
        op.execute(f"DROP TRIGGER {table}_chained ON review.{table}")
        op.execute(f"DROP FUNCTION review.chain_{table}()")
    op.execute("DROP FUNCTION review.chain_append(text, text, bigint, bytea)")
    op.execute("DROP FUNCTION review.chain_fields(text[])")
    op.execute("DROP FUNCTION review.chain_time(timestamptz)")
    op.execute("DROP TABLE review.audit_anchors")
    op.execute("DROP TABLE review.audit_chain")
