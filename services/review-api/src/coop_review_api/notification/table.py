"""The tables of alarms, notifications, mails and the history of strikes.

Guarantees: an alarm is raised once (its cause is the key); a person is told once, and mailed once,
of one cause.
Must not: hold secrets. Mails hold addresses and names: they go a month after their end.
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)

alarms = Table(
    "alarms",
    metadata,
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), primary_key=True),
    Column("cause_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("raised_at", _TIME, nullable=False),
)

notifications = Table(
    "notifications",
    metadata,
    Column("notification_id", BigInteger, Identity(always=True), primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("user_id", Text, ForeignKey("review.users.user_id", ondelete="CASCADE"), nullable=False),
    Column("cause_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("read_at", _TIME, nullable=True),
    UniqueConstraint("user_id", "cause_id"),
    Index(None, "user_id", "notification_id"),
    Index(
        "notifications_unread_ix",
        "user_id",
        "notification_id",
        postgresql_where=text("read_at IS NULL"),
    ),
    Index(None, "created_at"),
)

mails = Table(
    "mails",
    metadata,
    Column("mail_id", BigInteger, Identity(always=True), primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("cause_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("plain", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("link", Text, nullable=True),  # ciphertext; null after the mail's end
    Column("state", Text, nullable=False, server_default=text("'PENDING'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", _TIME, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("finished_at", _TIME, nullable=True),
    Column("last_error", Text, nullable=True),
    UniqueConstraint("recipient", "org_id", "cause_id"),
    CheckConstraint("state IN ('PENDING', 'SENT', 'DEAD')", name="state"),
    Index("mails_due_ix", "next_attempt_at", postgresql_where=text("state = 'PENDING'")),
    Index("mails_finished_ix", "finished_at", postgresql_where=text("state <> 'PENDING'")),
)

strike_changes = Table(
    "strike_changes",
    metadata,
    Column("change_id", BigInteger, Identity(always=True), primary_key=True),
    Column("event_id", Text, nullable=False, unique=True),
    Column("org_id", Text, nullable=False),
    Column("user_digest", LargeBinary, nullable=False),  # of the item key: ids may be long
    Column("cause_id", Text, nullable=False),
    Column("policy_id", Text, nullable=True),
    Column("delta", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("crossed", ARRAY(Integer), nullable=False),
    Column("changed_at", _TIME, nullable=False),
    Index(None, "user_digest", "change_id"),
    Index(None, "changed_at"),
)
