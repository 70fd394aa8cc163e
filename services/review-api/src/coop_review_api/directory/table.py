"""The table of accounts.

Must not: be written to but by `people`, which administers accounts, nor read but by these two;
others ask `person`.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)

users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("email", Text, nullable=False),  # where mails go
    # By which two addresses are the same (`kernel.email_address`).
    Column("email_key", Text, nullable=True),  # null: made by a process of the release before
    Column("name", Text, nullable=False, server_default=text("''")),
    Column("password_hash", Text, nullable=True),  # argon2id; null: signs in elsewhere
    Column("password_set_by", Text, nullable=True),  # null: its owner; else who else knows it
    Column("created_by", Text, nullable=True),  # whose deed the account is: a person's id, or cli
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
    Index("users_org_id_email_key_key", "org_id", "email_key", unique=True),
    Index(None, "email_key"),
)
