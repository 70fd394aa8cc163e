"""The items that are about child safety.

Revision: 0004
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ITEM = uuid.UUID("7d0f8c52-94a1-5c7b-8a44-1f6e0b3d9c55")
_BATCH = 500  # jobs

_JOBS = sa.text(
    """
    SELECT job_id, org_id, item_key, moved_from FROM queues.jobs
     WHERE csam AND job_id > :after ORDER BY job_id LIMIT :batch
    """
)
_ITEMS = sa.text("SELECT job_id, body FROM queues.job_items WHERE job_id = ANY(:jobs)")
_ENTRIES = sa.text("SELECT job_id, body FROM queues.entries WHERE job_id = ANY(:jobs)")
_ADD = sa.text(
    """
    INSERT INTO queues.grave_items (org_id, item_key)
    SELECT p.org_id, p.item_key
      FROM unnest(CAST(:orgs AS text[]), CAST(:keys AS uuid[])) AS p (org_id, item_key)
    ON CONFLICT DO NOTHING
    """
)


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE queues.grave_items (
            org_id text NOT NULL,
            item_key uuid NOT NULL,
            since timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_grave_items PRIMARY KEY (org_id, item_key)
        )
        """
    )
    if not op.get_context().as_sql:
        _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    """What the jobs of child-abuse material that are there already hold."""
    after = uuid.UUID(int=0)
    while rows := connection.execute(_JOBS, {"after": after, "batch": _BATCH}).all():
        org_of = {part: row.org_id for row in rows for part in (row.job_id, *row.moved_from)}
        grave = {(row.org_id, row.item_key) for row in rows}
        wanted = {"jobs": list(org_of)}
        for row in connection.execute(_ITEMS, wanted):
            grave.add((org_of[row.job_id], _key(json.loads(row.body))))
        for row in connection.execute(_ENTRIES, wanted):
            for item in json.loads(row.body).get("reportedInThread", ()):
                grave.add((org_of[row.job_id], _key(item)))
        values = {"orgs": [org for org, _ in grave], "keys": [key for _, key in grave]}
        connection.execute(_ADD, values)
        after = rows[-1].job_id


def _key(item: dict[str, Any]) -> uuid.UUID:
    type_id, item_id = item["typeId"], item["id"]
    return uuid.uuid5(_ITEM, f"{len(type_id)}:{type_id}{item_id}")


def downgrade() -> None:
    op.execute("DROP TABLE queues.grave_items")
