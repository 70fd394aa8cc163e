"""The tables of the schema `review`.

Guarantees: this metadata is what the migrations make (a test compares the two).
Must not: contain behaviour. `config_log`, `audit_log` and `audit_chain` are append-only by trigger;
`config_current` is the newest row of each document, kept by `configuration.log` in the transaction
of the change.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from coop_runtime.outbox import outbox_table

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

NAMED_KINDS = (
    "item-type",
    "policy",
    "action",
    "rule",
    "routing-rule",
    "queue",
    "text-bank",
    "location-bank",
    "hash-bank",
    "role",
    "identity-provider",
)
"""Kinds whose names are unique within an organisation."""

orgs = Table(
    "orgs",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("head_revision", BigInteger, nullable=False, server_default=text("0")),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
)

config_log = Table(
    "config_log",
    metadata,
    Column("log_id", BigInteger, Identity(always=True), primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("document", JSONB, nullable=True),  # null: deleted
    Column("author", Text, nullable=False),
    Column("time", _TIME, nullable=False),
    UniqueConstraint("org_id", "revision"),
    Index(None, "org_id", "kind", "id", "revision"),
)

config_current = Table(
    "config_current",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("document", JSONB, nullable=True),  # null: deleted
    Column("author", Text, nullable=False),
    Column("time", _TIME, nullable=False),
    ForeignKeyConstraint(
        ["org_id", "revision"], ["review.config_log.org_id", "review.config_log.revision"]
    ),
    Index(
        "config_current_name_key",
        "org_id",
        "kind",
        text("(document ->> 'name')"),
        unique=True,
        postgresql_where=text(
            "document IS NOT NULL AND kind IN ("
            + ", ".join(f"'{kind}'" for kind in NAMED_KINDS)
            + ")"
        ),
    ),
    Index(
        "config_current_identity_provider_key",
        "id",
        unique=True,
        postgresql_where=text("kind = 'identity-provider'"),
    ),
)

outbox = outbox_table(metadata, SCHEMA)

users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("email", Text, nullable=False, unique=True),  # lower case; one organisation a user
    Column("name", Text, nullable=False, server_default=text("''")),
    Column("password_hash", Text, nullable=True),  # argon2id; null: signs in elsewhere
    Column("role", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'ACTIVE'")),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    # May sign in by password where single sign-on is required.
    Column("is_break_glass", Boolean, nullable=False, server_default=text("false")),
    Column("last_login_at", _TIME, nullable=True),
    Column("wellness", JSONB(none_as_null=True), nullable=True),  # null: the organisation's
    Column("preferences", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    CheckConstraint(
        "status IN ('PENDING', 'ACTIVE', 'DISABLED', 'REJECTED', 'REMOVED')", name="status"
    ),
    Index(None, "org_id", "user_id"),
    Index(None, "org_id", "role"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),  # SHA-256 of the cookie's token
    Column("session_id", Text, nullable=False, unique=True),  # to be listed and ended by
    Column(
        "user_id",
        Text,
        ForeignKey("review.users.user_id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("created_at", _TIME, nullable=False),
    Column("last_seen_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False, index=True),
    Column("ip", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("method", Text, nullable=False),
    CheckConstraint("method IN ('PASSWORD', 'SINGLE_SIGN_ON')", name="method"),
)

login_throttle = Table(
    "login_throttle",
    metadata,
    Column("key", Text, primary_key=True),  # hash of account and address, account, or address
    Column("failures", Integer, nullable=False),
    Column("blocked_until", _TIME, nullable=False),
    Column("updated_at", _TIME, nullable=False, index=True),
)

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
    Index(None, "org_id", "decided_at"),
    Index(None, "org_id", "item_type_id", "item_id"),
    Index(None, "org_id", "reviewer_id", "decided_at"),
    Index(None, "org_id", "queue_id", "decided_at"),
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
    Column("item_key", Uuid(as_uuid=False), nullable=True),  # of `coop_queues.slot`
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
)

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
