"""The tables of exports: the job, and the file in pieces.

Guarantees: an export's position, counts and pieces change together, in one transaction a batch.
Must not: be kept longer than `store.KEPT`.
"""

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
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)

log_exports = Table(
    "log_exports",
    metadata,
    Column("export_id", Text, primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("created_by", Text, ForeignKey("review.users.user_id"), nullable=False),
    Column("format", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'RUNNING'")),
    Column("wanted", JSONB, nullable=False),  # a decision_log.query.Wanted
    Column("scope", JSONB, nullable=False),  # a decision_log.query.Scope: what its maker may see
    Column("position", Text, nullable=True),  # of the last entry written
    Column("rows", Integer, nullable=False, server_default=text("0")),
    Column("bytes", BigInteger, nullable=False, server_default=text("0")),
    Column("chunks", Integer, nullable=False, server_default=text("0")),
    Column("child_safety", Boolean, nullable=False, server_default=text("false")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),  # since the last batch
    Column("due_at", _TIME, nullable=False),
    Column("error", Text, nullable=True),
    Column("created_at", _TIME, nullable=False),
    Column("finished_at", _TIME, nullable=True),
    Column("expires_at", _TIME, nullable=False, index=True),
    CheckConstraint("format IN ('CSV', 'JSONL')", name="format"),
    CheckConstraint("state IN ('RUNNING', 'COMPLETE', 'FAILED')", name="state"),
    Index(None, "created_by", "export_id"),
    Index("log_exports_due_ix", "due_at", postgresql_where=text("state = 'RUNNING'")),
)

log_export_chunks = Table(
    "log_export_chunks",
    metadata,
    Column(
        "export_id",
        Text,
        ForeignKey("review.log_exports.export_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("number", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    # What is in it is about: an item may turn out to be about child safety after it was written.
    Column("item_keys", ARRAY(Uuid(as_uuid=False)), nullable=False, server_default=text("'{}'")),
)
