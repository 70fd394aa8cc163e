"""The tables of decisions, and of what reviewers have entered for a job before.

Guarantees: a job has one decision (its id contains the generation); the events of a held decision,
and the actions that wait for evidence, are kept as the outbox will have them.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Interval,
    LargeBinary,
    Table,
    Text,
    Uuid,
    column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from coop_review_api.kernel.schema import metadata
from coop_review_api.kernel.words import joined, vector_of

_TIME = DateTime(timezone=True)

decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", Text, primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("job_id", Text, nullable=False, unique=True),  # the job id contains the generation
    Column("queue_id", Text, nullable=False),
    Column("item_type_id", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    # null: the settings of its queue decided
    Column("reviewer_id", Text, ForeignKey("review.users.user_id"), nullable=True),
    Column("components", JSONB, nullable=False),
    Column("reason", Text, nullable=True),
    Column("note", Text, nullable=True),
    # [{executionId, actionId, item?, reverses?}]; without `item` on the job's own
    Column("executions", JSONB, nullable=False),
    Column("appeal_of", Text, nullable=True),  # the decision that was appealed against
    # {entryId, user}: the job about its author
    Column("escalation", JSONB(none_as_null=True), nullable=True),
    Column("moved_to", Text, nullable=True),  # the job that continues this one
    Column("seen_revision", Integer, nullable=True),  # the job's, as the reviewer saw it
    Column("request_hash", LargeBinary, nullable=False),  # tells a repeat from another decision
    Column("config_revision", BigInteger, nullable=False),
    Column("claimed_at", _TIME, nullable=True),
    Column("decided_at", _TIME, nullable=False),
    Column("leaves_at", _TIME, nullable=True),  # null: it left at once
    Column("undone_at", _TIME, nullable=True),
    Column("undone_by", Text, nullable=True),
    # Whether it is in the tallies, and as what: `counting`. null: nobody has looked yet.
    Column("counted", Boolean, nullable=True),
    Column("grave", Boolean, nullable=True),
    Column("came_from", Text, nullable=True),  # null: it was made here (`past`)
    Index(None, "org_id", "decided_at"),
    Index(
        "decisions_uncounted_ix",
        "decided_at",
        postgresql_where=text("counted IS DISTINCT FROM (undone_at IS NULL)"),
    ),
    Index(None, "org_id", "item_type_id", "item_id"),
    Index(None, "org_id", "reviewer_id", "decided_at"),
    Index(None, "org_id", "queue_id", "decided_at"),
    Index(
        "decisions_worded_ix",
        "org_id",
        "decided_at",
        postgresql_where=text("reason IS NOT NULL OR note IS NOT NULL"),
    ),
    Index(
        "decisions_words_ix",
        vector_of(joined(column("reason"), column("note")), column("org_id")),
        postgresql_using="gin",
    ),
    Index(
        None,
        "components",
        postgresql_using="gin",
        postgresql_ops={"components": "jsonb_path_ops"},
    ),
    Index(
        None,
        "executions",
        postgresql_using="gin",
        postgresql_ops={"executions": "jsonb_path_ops"},
    ),
)

held_decisions = Table(
    "held_decisions",
    metadata,
    Column("decision_id", Text, ForeignKey("review.decisions.decision_id"), primary_key=True),
    Column("org_id", Text, nullable=False),
    Column("leaves_at", _TIME, nullable=False, index=True),
    # The decision's messages, as the outbox has them: one entry each.
    Column("topics", ARRAY(Text), nullable=False),
    Column("keys", ARRAY(LargeBinary), nullable=False),
    Column("payloads", ARRAY(LargeBinary), nullable=False),
    Column("headers", JSONB, nullable=False),
)

withheld_actions = Table(
    "withheld_actions",
    metadata,
    Column("decision_id", Text, ForeignKey("review.decisions.decision_id"), primary_key=True),
    Column("org_id", Text, nullable=False),
    Column("wait", Interval, nullable=False),  # from when the decision left
    Column("leaves_at", _TIME, nullable=True, index=True),  # null: the decision has not left
    # The actions' messages, as the outbox has them: one entry each.
    Column("topics", ARRAY(Text), nullable=False),
    Column("keys", ARRAY(LargeBinary), nullable=False),
    Column("payloads", ARRAY(LargeBinary), nullable=False),
    Column("headers", JSONB, nullable=False),
)

batch_decisions = Table(
    "batch_decisions",
    metadata,
    Column("batch_id", Text, primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", _TIME, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("undone_at", _TIME, nullable=True),
    Index(None, "org_id", "made_at"),
)

batch_jobs = Table(
    "batch_jobs",
    metadata,
    Column(
        "batch_id",
        Text,
        ForeignKey("review.batch_decisions.batch_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("position", Integer, primary_key=True),
    Column("org_id", Text, nullable=False),
    Column("job_id", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'WAITING'")),
    Column("decision_id", Text, nullable=True),
    Column("reason", Text, nullable=True),
    Column("faults", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
)

job_drafts = Table(
    "job_drafts",
    metadata,
    Column("job_id", Uuid(as_uuid=False), primary_key=True),
    Column(
        "reviewer_id",
        Text,
        ForeignKey("review.users.user_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("org_id", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("saved_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False, index=True),
    Index(None, "reviewer_id", "saved_at"),
)
