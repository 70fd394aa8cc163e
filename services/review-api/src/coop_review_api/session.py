"""Sessions: who is signed in.

    login ──▶ token (32 random bytes) in the cookie, its SHA-256 in the table
              CSRF token = HMAC-SHA256(key=token, "coop csrf"): of this session, of no other
    each request ──▶ row by hash, not expired, not idle, user active ──▶ Principal
    logout, expiry, a new login with the same cookie ──▶ row deleted

Guarantees: reading the table gives nobody a session; a login always makes a new token (no
fixation); a session ends after `lifetime`, or after `idle` without a request.
Must not: know cookies or headers; `api.authentication` does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.permission import DEFAULT_ROLE_PERMISSIONS, Permission, Role
from coop_review_api.schema import sessions, users
from coop_review_api.session_limit import Limits

_TOKEN_BYTES = 32
_SEEN_EVERY = timedelta(minutes=1)  # last_seen_at is no more exact than this, to spare writes


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who makes a request."""

    user_id: str
    org_id: str
    email: str
    name: str
    role: Role
    expires_at: datetime

    @property
    def permissions(self) -> frozenset[Permission]:
        return DEFAULT_ROLE_PERMISSIONS[self.role]

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def csrf_token_of(token: str) -> str:
    """The token that a page must send back to change anything in this session."""
    digest = hmac.digest(token.encode(), b"coop csrf", "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def csrf_matches(token: str, sent: str | None) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(csrf_token_of(token).encode(), (sent or "").encode())


async def create(
    connection: AsyncConnection, *, user_id: str, ip: str, now: datetime, limits: Limits
) -> tuple[str, datetime]:
    """A new session's token and its end."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    expires_at = now + limits.lifetime
    await connection.execute(delete(sessions).where(sessions.c.expires_at < now))
    await connection.execute(
        insert(sessions).values(
            token_hash=hash_of(token),
            user_id=user_id,
            created_at=now,
            last_seen_at=now,
            expires_at=expires_at,
            ip=ip,
        )
    )
    return token, expires_at


async def find(
    connection: AsyncConnection, token: str, *, now: datetime, limits: Limits
) -> Principal | None:
    """Whose session this is, or None when it is unknown, over, or its user is not active."""
    row = (
        await connection.execute(
            select(sessions.c.last_seen_at, sessions.c.expires_at, users)
            .join(users, users.c.user_id == sessions.c.user_id)
            .where(
                sessions.c.token_hash == hash_of(token),
                sessions.c.expires_at > now,
                sessions.c.last_seen_at > now - limits.idle,
                users.c.status == "ACTIVE",
            )
        )
    ).one_or_none()
    if row is None:
        return None
    if row.last_seen_at < now - _SEEN_EVERY:
        await connection.execute(
            update(sessions).where(sessions.c.token_hash == hash_of(token)).values(last_seen_at=now)
        )
    return Principal(
        user_id=row.user_id,
        org_id=row.org_id,
        email=row.email,
        name=row.name,
        role=Role(row.role),
        expires_at=row.expires_at,
    )


async def end(connection: AsyncConnection, token: str) -> None:
    await connection.execute(delete(sessions).where(sessions.c.token_hash == hash_of(token)))
