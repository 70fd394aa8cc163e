"""The tables of single sign-on.

Guarantees: no secret of a flow is here in clear text; a request is answered once, an assertion used
once.
"""

from __future__ import annotations

from sqlalchemy import Column, DateTime, ForeignKey, Index, LargeBinary, Table, Text

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)

sso_attempts = Table(
    "sso_attempts",
    metadata,
    Column("state_hash", LargeBinary, primary_key=True),  # SHA-256 of RelayState, or state
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("browser_hash", LargeBinary, nullable=False),  # SHA-256 of the cookie
    Column("address_hash", LargeBinary, nullable=False),  # of the client's, to be counted by
    Column("message_id", Text, nullable=False),  # the ID of the AuthnRequest
    Column("return_to", Text, nullable=False),
    Column("expires_at", _TIME, nullable=False, index=True),
    Column("answered_at", _TIME, nullable=True),
    # Of a SAML response that was accepted: what the browser redeems, and whose session it is.
    Column("ticket_hash", LargeBinary, nullable=True, unique=True),
    Column("user_id", Text, ForeignKey("review.users.user_id", ondelete="CASCADE"), nullable=True),
    Index(None, "address_hash"),
    Index(None, "provider_id"),
)

sso_assertions = Table(
    "sso_assertions",
    metadata,
    Column("provider_id", Text, primary_key=True),
    Column("assertion_hash", LargeBinary, primary_key=True),  # SHA-256 of its ID
    Column("expires_at", _TIME, nullable=False, index=True),
)
