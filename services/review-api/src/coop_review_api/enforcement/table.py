"""The tables of what people do in bulk."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)

bulk_jobs = Table(
    "bulk_jobs",
    metadata,
    Column("bulk_id", Text, primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("order", JSONB, nullable=False),  # what is to be done to each (enforcement.bulk.Order)
    Column("total", Integer, nullable=False),
    Column("requested", Integer, nullable=False, server_default=text("0")),
    Column("refused", Integer, nullable=False, server_default=text("0")),
    Column("config_revision", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("confirmed_by", Text, nullable=True),
    Column("started_at", _TIME, nullable=True),
    Column("finished_at", _TIME, nullable=True),
    CheckConstraint("kind IN ('ACTION', 'REVERSAL')", name="kind"),
    CheckConstraint(
        "state IN ('PREVIEW', 'RUNNING', 'PAUSED', 'CANCELLED', 'COMPLETE')", name="state"
    ),
    Index(None, "org_id", "created_at"),
    Index("bulk_jobs_running_ix", "bulk_id", postgresql_where=text("state = 'RUNNING'")),
)

bulk_items = Table(
    "bulk_items",
    metadata,
    Column(
        "bulk_id",
        Text,
        ForeignKey("review.bulk_jobs.bulk_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("position", Integer, primary_key=True),
    Column("identity", Text, nullable=False),  # what makes it the same: execution, or item
    Column("item_key", Uuid(as_uuid=False), nullable=True),  # of `coop_queues.reading`
    Column("item_type_id", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("creator", JSONB, nullable=True),
    Column("reverses", JSONB, nullable=True),  # of a reversal: {executionId, actionId}
    Column("state", Text, nullable=False, server_default=text("'WAITING'")),
    Column("reason", Text, nullable=True),
    Column("execution_ids", ARRAY(Text), nullable=True),
    CheckConstraint("state IN ('WAITING', 'REQUESTED', 'REFUSED')", name="state"),
    UniqueConstraint("bulk_id", "identity"),
    Index("bulk_items_reverses_ix", "identity", postgresql_where=text("reverses IS NOT NULL")),
    Index(
        "bulk_items_waiting_ix",
        "bulk_id",
        "position",
        postgresql_where=text("state = 'WAITING'"),
    ),
)

# The pace of all processes together: `pace`.
bulk_pace = Table(
    "bulk_pace",
    metadata,
    Column("single", Boolean, primary_key=True, server_default=text("true")),
    Column("free_at", _TIME, nullable=False),
    CheckConstraint("single", name="single"),
)
