"""The tables of second reviews and golden items.

    second_reviews   one row a review that somebody is asked for: of a sampled decision, or, for one
                     person, of a golden item
    golden_items     decided jobs whose right decision is known

Guarantees: a decision is sampled once; a golden item comes to a person once; an answer is there
exactly when the review was answered. `expected` and `answer` are the categories that are compared
(`category.Categories`).
Must not: be read by what reviewers see, but for `job_id`.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)

golden_items = Table(
    "golden_items",
    metadata,
    Column("golden_id", Text, primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("decision_id", Text, ForeignKey("review.decisions.decision_id"), nullable=False),
    Column("job_id", Text, nullable=False),
    Column("queue_id", Text, nullable=False),
    Column("csam", Boolean, nullable=False),
    Column("components", JSONB, nullable=False),  # the right decision
    Column("expected", JSONB, nullable=False),  # its categories
    Column("note", Text, nullable=True),
    Column("not_for", ARRAY(Text), nullable=False),  # who knows the decision
    Column("created_by", Text, nullable=False),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("retired_at", _TIME, nullable=True),
    Index(None, "org_id", "golden_id"),
    Index(
        "golden_items_live_key",
        "org_id",
        "queue_id",
        "job_id",
        unique=True,
        postgresql_where=text("retired_at IS NULL"),
    ),
    Index(
        "golden_items_noted_ix",
        "org_id",
        "retired_at",
        postgresql_where=text("note IS NOT NULL"),
    ),
)

second_reviews = Table(
    "second_reviews",
    metadata,
    Column("second_review_id", Text, primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("queue_id", Text, nullable=False),
    Column("job_id", Text, nullable=False),
    Column(
        "decision_id", Text, ForeignKey("review.decisions.decision_id"), nullable=True, unique=True
    ),
    Column("golden_id", Text, ForeignKey("review.golden_items.golden_id"), nullable=True),
    Column("only_for", Text, nullable=True),  # of a golden item
    Column("first_reviewer_id", Text, nullable=True),  # of a sampled decision
    Column("not_for", ARRAY(Text), nullable=False),  # who decided, who skipped it
    Column("csam", Boolean, nullable=False),
    Column("expected", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'PENDING'")),
    Column("available_at", _TIME, nullable=False),  # not before the decision has left
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("lease_token", Text, nullable=True),
    Column("lease_holder", Text, nullable=True),
    Column("lease_expires_at", _TIME, nullable=True),
    Column("claimed_at", _TIME, nullable=True),
    Column("answered_by", Text, nullable=True),
    Column("answered_at", _TIME, nullable=True),
    Column("components", JSONB, nullable=True),
    Column("reason", Text, nullable=True),
    Column("note", Text, nullable=True),
    Column("answer", JSONB, nullable=True),  # its categories
    Column("request_hash", LargeBinary, nullable=True),  # tells a repeat from another answer
    UniqueConstraint("golden_id", "only_for"),
    CheckConstraint("state IN ('PENDING', 'ANSWERED', 'WITHDRAWN')", name="state"),
    CheckConstraint("(decision_id IS NULL) <> (golden_id IS NULL)", name="cause"),
    CheckConstraint("(golden_id IS NULL) = (only_for IS NULL)", name="golden"),
    CheckConstraint("state <> 'ANSWERED' OR answer IS NOT NULL", name="answer"),
    CheckConstraint(
        "(lease_token IS NULL) = (lease_expires_at IS NULL)"
        " AND (lease_token IS NULL) = (lease_holder IS NULL)",
        name="lease",
    ),
    Index(
        "second_reviews_waiting_ix",
        "org_id",
        "queue_id",
        "created_at",
        "second_review_id",
        postgresql_where=text("state = 'PENDING'"),
    ),
    Index(
        "second_reviews_answered_ix",
        "org_id",
        "answered_at",
        postgresql_where=text("state = 'ANSWERED'"),
    ),
    Index(
        "second_reviews_worded_ix",
        "org_id",
        "answered_at",
        postgresql_where=text("reason IS NOT NULL OR note IS NOT NULL"),
    ),
)
