"""The tables of the schema `queues`.

    jobs         one row a job; at most one PENDING a slot (organisation, queue, kind, item)
    generations  one row a slot; its number is part of the job id and rises when the job closes
    entries      one row a cause, unique by (organisation, entry id): history and idempotency
    job_items    every version of every item that came with a job's entries
    skips        from whom a job is hidden, until when

Guarantees: `alembic` revisions in `migrations/` make exactly these tables (a test compares).
Must not: be written without the slot's `generations` row locked, lease columns and skips apart.

Items and entries are bytes of JSON, not jsonb: jsonb refuses the escape `\\u0000`, which users do
write, and nothing here looks inside. `item_key` is a UUIDv5 of item type and item: an item id of
512 characters would not fit an index row.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

SCHEMA = "queues"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    },
)

_Time = DateTime(timezone=True)
_Id = Uuid(as_uuid=False)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", _Id, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("queue_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("item_key", _Id, nullable=False),
    Column("item_type_id", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("state", Text, nullable=False, server_default="PENDING"),
    Column("source", Text, nullable=False),
    Column("policy_ids", ARRAY(Text), nullable=False, server_default="{}"),
    Column("csam", Boolean, nullable=False, server_default="false"),
    Column("entry_count", Integer, nullable=False),
    Column("report_count", Integer, nullable=False),
    Column("rank", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("created_at", _Time, nullable=False),
    Column("enqueued_at", _Time, nullable=False, server_default=text("now()")),
    Column("moved_from", ARRAY(_Id), nullable=False, server_default="{}"),
    Column("moved_to", _Id),
    Column("lease_token", Text),
    Column("lease_holder", Text),
    Column("lease_expires_at", _Time),
    Column("claimed_at", _Time),
    Column("claim_count", Integer, nullable=False, server_default="0"),
    Column("closed_at", _Time),
    Column("closed_by", Text),
    Column("close_reason", Text),
    PrimaryKeyConstraint("job_id"),
    CheckConstraint("state IN ('PENDING', 'CLOSED')", name="state"),
    CheckConstraint("(state = 'CLOSED') = (closed_at IS NOT NULL)", name="closed"),
    CheckConstraint(
        "(lease_token IS NULL) = (lease_expires_at IS NULL)"
        " AND (lease_token IS NULL) = (lease_holder IS NULL)",
        name="lease",
    ),
    # Claims and merges rewrite unindexed columns; room on the page keeps them off the indexes.
    postgresql_with={"fillfactor": "85"},
)

_PENDING = text("state = 'PENDING'")

Index(
    "uq_jobs_pending_slot",
    jobs.c.org_id,
    jobs.c.queue_id,
    jobs.c.kind,
    jobs.c.item_key,
    unique=True,
    postgresql_where=_PENDING,
)
Index(
    "ix_jobs_pending_order",
    jobs.c.org_id,
    jobs.c.queue_id,
    jobs.c.rank,
    jobs.c.job_id,
    postgresql_where=_PENDING,
)
Index("ix_jobs_item", jobs.c.org_id, jobs.c.item_key)

generations = Table(
    "generations",
    metadata,
    Column("org_id", Text, nullable=False),
    Column("queue_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("item_key", _Id, nullable=False),
    Column("generation", Integer, nullable=False, server_default="1"),
    PrimaryKeyConstraint("org_id", "queue_id", "kind", "item_key"),
    postgresql_with={"fillfactor": "85"},
)

entries = Table(
    "entries",
    metadata,
    Column("org_id", Text, nullable=False),
    Column("entry_id", Text, nullable=False),
    Column("job_id", _Id, nullable=False),
    Column("position", BigInteger, Identity(), nullable=False),
    Column("reporter_key", _Id),
    Column("placed_at", _Time, nullable=False, server_default=text("now()")),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("org_id", "entry_id"),
)
Index("ix_entries_job", entries.c.job_id, entries.c.position)
Index(
    "ix_entries_reporter",
    entries.c.org_id,
    entries.c.reporter_key,
    postgresql_where=entries.c.reporter_key.is_not(None),
)

job_items = Table(
    "job_items",
    metadata,
    Column("job_id", _Id, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("position", BigInteger, Identity(), nullable=False),
    Column("role", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("job_id", "digest"),
    CheckConstraint("role IN ('ITEM', 'THREAD', 'ADDITIONAL')", name="role"),
)

skips = Table(
    "skips",
    metadata,
    Column("job_id", _Id, nullable=False),
    Column("reviewer_id", Text, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("until", _Time, nullable=False),
    PrimaryKeyConstraint("job_id", "reviewer_id"),
)
