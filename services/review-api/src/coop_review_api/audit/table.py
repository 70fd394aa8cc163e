"""The tables that make the audit log tamper-evident.

Guarantees: `audit_chain` is append-only by trigger, and written by one (docs/decisions/0025).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)

audit_chain = Table(
    "audit_chain",
    metadata,
    Column("chain", Text, primary_key=True),  # the organisation; empty for rows of none
    Column("sequence", BigInteger, primary_key=True),
    Column("source", Text, nullable=False),
    Column("row_id", BigInteger, nullable=False),  # audit_id, or log_id of config_log
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("source IN ('AUDIT', 'CONFIG')", name="source"),
    UniqueConstraint("source", "row_id"),
)

audit_anchors = Table(
    "audit_anchors",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("anchored_at", _TIME, nullable=False),
    Column("mac", Text, nullable=False),
)
