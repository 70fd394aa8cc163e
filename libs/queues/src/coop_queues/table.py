"""The tables of the schema `queues`.

    jobs         one row a job; at most one PENDING a slot (organisation, queue, kind, item)
    generations  one row a slot; its number is part of the job id and rises when the job closes
    entries      one row a cause, unique by (organisation, entry id): history and idempotency
    job_items    every version of every item that came with a job's entries
    skips        from whom a job is hidden, until when
    keepings     one row each time a job was kept for somebody, or while an answer was awaited
    claims       one row a claim: who had which job, from when to when, and how it ended
    grave_items  one row an item that is about child safety (`child_safety.py`)
    erased_users one row an end user of whom nothing that is older may come back (`erase.py`)

Guarantees: `alembic` revisions in `migrations/` make exactly these tables (a test compares).
Must not: be written without the slot's `generations` row locked; jobs that were decided elsewhere,
which are in no slot (`past.py`), and columns of leases and keepings,
skips, claims and keepings apart, and the columns of a job's turn (`growth.turn_columns`), for which
the row's own lock is enough.

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
    SmallInteger,
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
    Column("reporter_count", Integer, nullable=False, server_default="0"),
    Column("severity", SmallInteger, nullable=False, server_default="0"),
    Column("deadline", _Time),
    Column("overdue_at", _Time),
    Column("rank", BigInteger, nullable=False),
    Column("ranking", BigInteger, nullable=False, server_default="0"),
    Column("ranking_revision", BigInteger, nullable=False, server_default="0"),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("created_at", _Time, nullable=False),
    Column("enqueued_at", _Time, nullable=False, server_default=text("now()")),
    Column("subject_key", _Id),  # of the user: the item's creator, or the item itself
    Column("moved_from", ARRAY(_Id), nullable=False, server_default="{}"),
    Column("moved_to", _Id),
    Column("lease_token", Text),
    Column("lease_holder", Text),
    Column("lease_expires_at", _Time),
    Column("claimed_at", _Time),
    Column("claim_count", Integer, nullable=False, server_default="0"),
    # Of the lease: taken ahead of time, and not looked at yet.
    Column("unopened", Boolean, nullable=False, server_default="false"),
    # Until then nobody but `kept_for` is given it (`keeping.py`).
    Column("kept_as", Text),
    Column("kept_for", Text),
    Column("kept_until", _Time),
    Column("closed_at", _Time),
    Column("closed_by", Text),
    Column("close_reason", Text),
    Column("emptied_at", _Time),  # since when it says nothing any more (`spent.py`)
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
Index(
    "ix_jobs_overdue",
    jobs.c.overdue_at,
    postgresql_where=text("state = 'PENDING' AND overdue_at IS NOT NULL"),
)
Index(
    "ix_jobs_unranked",
    jobs.c.org_id,
    jobs.c.queue_id,
    postgresql_where=text("state = 'PENDING' AND ranking = -1"),
)
Index(
    "ix_jobs_pending_subject",
    jobs.c.org_id,
    jobs.c.subject_key,
    jobs.c.job_id,
    postgresql_where=_PENDING,
)
Index(
    "ix_jobs_spent",
    jobs.c.org_id,
    jobs.c.closed_at,
    jobs.c.job_id,
    postgresql_where=text("state = 'CLOSED' AND emptied_at IS NULL AND moved_to IS NULL"),
)

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
    # Invalidated entries count no longer; they stay, so that a replay places nothing.
    Column("invalidated_at", _Time),
    Column("invalidated_by", Text),
    Column("invalidation_reason", Text),
    Column("appellant_key", _Id),  # the `item_key` of who appeals
    PrimaryKeyConstraint("org_id", "entry_id"),
)
Index("ix_entries_job", entries.c.job_id, entries.c.position)
Index(
    "ix_entries_reporter",
    entries.c.org_id,
    entries.c.reporter_key,
    entries.c.job_id,
    postgresql_where=entries.c.reporter_key.is_not(None),
)
Index(
    "ix_entries_appellant",
    entries.c.org_id,
    entries.c.appellant_key,
    postgresql_where=entries.c.appellant_key.is_not(None),
)

job_items = Table(
    "job_items",
    metadata,
    Column("job_id", _Id, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("position", BigInteger, Identity(), nullable=False),
    Column("role", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("author_key", _Id),  # the `item_key` of who made it, or of a user as an item
    Column("placed_at", _Time),  # when it came last
    PrimaryKeyConstraint("job_id", "digest"),
    CheckConstraint("role IN ('ITEM', 'THREAD', 'ADDITIONAL')", name="role"),
)
Index("ix_job_items_author", job_items.c.author_key)

skips = Table(
    "skips",
    metadata,
    Column("job_id", _Id, nullable=False),
    Column("reviewer_id", Text, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("until", _Time, nullable=False),
    PrimaryKeyConstraint("job_id", "reviewer_id"),
)

claims = Table(
    "claims",
    metadata,
    Column("job_id", _Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("queue_id", Text, nullable=False),
    Column("reviewer_id", Text, nullable=False),
    Column("claimed_at", _Time, nullable=False),
    Column("ended_at", _Time),
    Column("outcome", Text),
    Column("unopened", Boolean, nullable=False, server_default="false"),
    PrimaryKeyConstraint("job_id", "number"),
    CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended"),
    CheckConstraint(
        "outcome IN ('CLOSED', 'MOVED', 'RELEASED', 'SKIPPED', 'EXPIRED')", name="outcome"
    ),
)
Index(
    "ix_claims_open",
    claims.c.org_id,
    claims.c.reviewer_id,
    postgresql_where=claims.c.ended_at.is_(None),
)
Index("ix_claims_time", claims.c.org_id, claims.c.claimed_at)

keepings = Table(
    "keepings",
    metadata,
    Column("job_id", _Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("queue_id", Text, nullable=False),
    Column("kept_as", Text, nullable=False),
    Column("person_id", Text),
    Column("reason", Text),
    Column("kept_by", Text, nullable=False),
    Column("since", _Time, nullable=False),
    Column("until", _Time, nullable=False),
    Column("ended_at", _Time),
    Column("ended_by", Text),
    Column("outcome", Text),
    PrimaryKeyConstraint("job_id", "number"),
    CheckConstraint("kept_as IN ('ASSIGNED', 'HELD')", name="kept_as"),
    CheckConstraint("kept_as = 'HELD' OR person_id IS NOT NULL", name="person"),
    CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended"),
)
Index(
    "ix_keepings_person",
    keepings.c.org_id,
    keepings.c.person_id,
    keepings.c.job_id,
    postgresql_where=keepings.c.ended_at.is_(None),
)
Index("ix_keepings_ended", keepings.c.ended_at, postgresql_where=keepings.c.ended_at.is_not(None))
Index("ix_keepings_until", keepings.c.until, postgresql_where=keepings.c.ended_at.is_(None))

grave_items = Table(
    "grave_items",
    metadata,
    Column("org_id", Text, nullable=False),
    Column("item_key", _Id, nullable=False),
    Column("since", _Time, nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("org_id", "item_key"),
)

erased_users = Table(
    "erased_users",
    metadata,
    Column("org_id", Text, nullable=False),
    Column("user_key", _Id, nullable=False),
    Column("stand_in", Text, nullable=False),
    Column("until", _Time, nullable=False),
    PrimaryKeyConstraint("org_id", "user_key"),
)

# To find jobs by: when they came, where, about what and whom; and who passed one on.
Index("ix_jobs_came", jobs.c.org_id, jobs.c.enqueued_at, jobs.c.job_id)
Index(
    "ix_jobs_queue_came",
    jobs.c.org_id,
    jobs.c.queue_id,
    jobs.c.state,
    jobs.c.enqueued_at,
    jobs.c.job_id,
)
Index(
    "ix_jobs_item_id",
    jobs.c.org_id,
    jobs.c.item_id,
    postgresql_ops={"item_id": "text_pattern_ops"},
)
Index(
    "ix_jobs_closed_subject",
    jobs.c.org_id,
    jobs.c.subject_key,
    postgresql_where=text("state = 'CLOSED'"),
)
Index(
    "ix_claims_passed_on",
    claims.c.org_id,
    claims.c.ended_at,
    postgresql_where=text("outcome IN ('SKIPPED', 'RELEASED', 'EXPIRED')"),
)
