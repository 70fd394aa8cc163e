"""The tables of people: sessions, invitations, resets, second factors, the brake, mail domains.

Guarantees: of every token and code only a SHA-256 is kept, of a factor's secret only ciphertext.
Must not: be read without the account or organisation that a row belongs to.
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
    text,
)

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)

invitations = Table(
    "invitations",
    metadata,
    Column("invitation_id", Text, primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=True),  # as of accounts
    Column("role", Text, nullable=False),
    Column("requires_approval", Boolean, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("created_by", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("sent_at", _TIME, nullable=False),  # when the present token was made
    Column("sent_by", Text, nullable=True),  # and by whom; null: `created_by`
    Column("expires_at", _TIME, nullable=False),
    Column("accepted_at", _TIME, nullable=True),
    Column("revoked_at", _TIME, nullable=True),
    Index(None, "org_id", "invitation_id"),
    Index(
        "invitations_open_key",
        "org_id",
        "email_key",
        unique=True,
        postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
    ),
)

password_resets = Table(
    "password_resets",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column(
        "user_id",
        Text,
        ForeignKey("review.users.user_id", ondelete="CASCADE"),
        nullable=False,
        unique=True,  # a new one takes the place of the one before
    ),
    Column("made_by", Text, nullable=True),  # null: the account's owner, by mail
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False, index=True),
)

second_factors = Table(
    "second_factors",
    metadata,
    Column(
        "user_id", Text, ForeignKey("review.users.user_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("secret", Text, nullable=False),  # ciphertext
    Column("created_at", _TIME, nullable=False),
    Column("confirmed_at", _TIME, nullable=True),  # null: not in force yet
    Column("last_step", BigInteger, nullable=True),  # of the newest code that was used
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column(
        "user_id", Text, ForeignKey("review.users.user_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("code_hash", LargeBinary, primary_key=True),
    Column("used_at", _TIME, nullable=True),
)

login_challenges = Table(
    "login_challenges",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column(
        "user_id",
        Text,
        ForeignKey("review.users.user_id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False, index=True),
    Column("failures", Integer, nullable=False, server_default=text("0")),
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

sso_domains = Table(
    "sso_domains",
    metadata,
    Column("domain", Text, primary_key=True),  # in ASCII; one organisation a domain
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False, index=True),
    Column("created_at", _TIME, nullable=False),
)

user_preferences = Table(
    "user_preferences",
    metadata,
    Column(
        "user_id", Text, ForeignKey("review.users.user_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),  # JSON, as the page wrote it
    Column("revision", BigInteger, nullable=False),
    Column("updated_at", _TIME, nullable=False),
)
