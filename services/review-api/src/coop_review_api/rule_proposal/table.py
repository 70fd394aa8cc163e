"""The table of proposals.

Guarantees: this is what migration 0036 makes; a rule has at most one open proposal.
Must not: contain behaviour.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Table,
    Text,
    text,
)

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)

rule_proposals = Table(
    "rule_proposals",
    metadata,
    Column("proposal_id", Text, primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("base_revision", BigInteger, nullable=False),  # of the rule; 0: it was deleted
    Column("rule", Text, nullable=False),  # the JSON of the document
    Column("expected", BigInteger, nullable=True),  # items a day; null: not known
    Column("basis", Text, nullable=True),
    Column("above", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("decided_by", Text, nullable=True),
    Column("decided_at", _TIME, nullable=True),
    Column("reason", Text, nullable=True),
    Column("revision", BigInteger, nullable=True),  # as which it was saved
    CheckConstraint(
        "state IN ('OPEN', 'APPROVED', 'DECLINED', 'WITHDRAWN', 'REPLACED')", name="state"
    ),
    Index(None, "org_id", "proposal_id"),
    Index(
        "rule_proposals_open_uq",
        "org_id",
        "rule_id",
        unique=True,
        postgresql_where=text("state = 'OPEN'"),
    ),
)
