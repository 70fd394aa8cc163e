"""The schema `review`: what its tables have in common, the two that every slice writes to, and the
one that whoever writes what came over the log asks (`tombstone`).

Guarantees: this metadata is what the migrations make (a test compares the two).
Must not: contain behaviour, or a table of a slice: each has a `table.py` of its own. `audit_log` is
append-only by trigger.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from coop_runtime.database.outbox import outbox_table

SCHEMA = "review"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_ix",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    },
)

_TIME = DateTime(timezone=True)

outbox = outbox_table(metadata, SCHEMA)

audit_log = Table(
    "audit_log",
    metadata,
    Column("audit_id", BigInteger, Identity(always=True), primary_key=True),
    Column("org_id", Text, nullable=True),  # null: a login nobody could be found for
    Column("time", _TIME, nullable=False, server_default=func.now()),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target_kind", Text, nullable=True),
    Column("target_id", Text, nullable=True),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Index(None, "org_id", "audit_id"),
    Index(
        "audit_log_trials_ix",
        "org_id",
        "action",
        "time",
        postgresql_where=text("action IN ('integration.tried', 'test_request.sent')"),
    ),
    Index(
        "audit_log_looks_ix",
        "org_id",
        "target_id",
        "time",
        postgresql_where=text("target_kind IN ('cybertip', 'job')"),
    ),
)

erased_users = Table(
    "erased_users",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("user_key", Uuid(as_uuid=False), primary_key=True),  # of `coop_queues.reading`
    Column("stand_in", Text, nullable=False),
    Column("until", _TIME, nullable=False),
)
