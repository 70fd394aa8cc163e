"""The logs of an organisation that is removed go by a function of their owner, and in no other way.

Revision: 0018
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_REFUSE = """
    CREATE OR REPLACE FUNCTION review.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        {unless}
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END
    $$
"""
# Whoever has only the rows can say `coop.removing`, and is not the owner.
_UNLESS = """
        IF TG_OP = 'DELETE' AND current_setting('coop.removing', true) = 'on' AND current_user = (
            SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID
        ) THEN
            RETURN NULL;
        END IF;
"""
_REMOVE = """
    CREATE FUNCTION review.remove_logs(org text) RETURNS bigint
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
        removed bigint := 0;
        these bigint;
    BEGIN
        IF EXISTS (SELECT FROM review.users u WHERE u.org_id = org)
           OR EXISTS (SELECT FROM review.config_current c WHERE c.org_id = org) THEN
            RAISE EXCEPTION 'the organisation is not empty'
                USING ERRCODE = 'restrict_violation';
        END IF;
        PERFORM set_config('coop.removing', 'on', true);
        DELETE FROM review.audit_chain WHERE chain = org;
        GET DIAGNOSTICS these = ROW_COUNT;
        removed := removed + these;
        DELETE FROM review.audit_anchors WHERE chain = org;
        GET DIAGNOSTICS these = ROW_COUNT;
        removed := removed + these;
        DELETE FROM review.audit_log WHERE org_id = org;
        GET DIAGNOSTICS these = ROW_COUNT;
        removed := removed + these;
        DELETE FROM review.config_log WHERE org_id = org;
        GET DIAGNOSTICS these = ROW_COUNT;
        removed := removed + these;
        PERFORM set_config('coop.removing', '', true);
        RETURN removed;
    END
    $$
"""


def upgrade() -> None:
    op.execute(_REFUSE.format(unless=_UNLESS))
    op.execute(_REMOVE)


def downgrade() -> None:
    op.execute("DROP FUNCTION review.remove_logs(text)")
    op.execute(_REFUSE.format(unless=""))
