"""Sessions: who is signed in.

    login ──▶ token (32 random bytes) in the cookie, its SHA-256 in the table
    each request ──▶ row by hash, not expired, not idle, user active ──▶ Principal
    logout, expiry, a new login with the same cookie ──▶ row deleted

Guarantees: reading the table gives nobody a session; a login always makes a new token (no
fixation); a session ends after `lifetime`, or after `idle` without a request, or sooner where the
organisation says so; role, permissions, limits and what the organisation requires are those of the
moment of the request: where it is suspended no session is good, and where it requires single
sign-on one that a password opened only with the mark for emergencies.
Must not: know cookies or headers; `http.authentication` does.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, and_, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind
from coop_contracts.ids import new_id
from coop_review_api.configuration import role_permission
from coop_review_api.configuration.relation import CURRENT
from coop_review_api.directory.table import users
from coop_review_api.kernel.principal import Principal
from coop_review_api.kernel.session_limit import SessionLimits
from coop_review_api.people.table import second_factors, sessions

_TOKEN_BYTES = 32
_SEEN_EVERY = timedelta(minutes=1)  # last_seen_at is no more exact than this, to spare writes
_MAX_USER_AGENT = 300
_MAX_SESSIONS = 100  # of one person; a further one ends the oldest

Method = Literal["PASSWORD", "SINGLE_SIGN_ON"]


@dataclass(frozen=True, kw_only=True)
class Session:
    """Where somebody is signed in. `last_seen_at` is exact to a minute."""

    session_id: str
    ip: str
    user_agent: str
    method: Method
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def create(
    connection: AsyncConnection,
    *,
    user_id: str,
    ip: str,
    now: datetime,
    limits: SessionLimits,
    user_agent: str = "",
    method: Method = "PASSWORD",
) -> tuple[str, datetime]:
    """A new session's token and its end; the user's last login is now."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    expires_at = now + limits.lifetime
    await connection.execute(delete(sessions).where(sessions.c.expires_at < now))
    await _end_oldest(connection, user_id)
    await connection.execute(
        insert(sessions).values(
            token_hash=hash_of(token),
            session_id=new_id(),
            user_id=user_id,
            created_at=now,
            last_seen_at=now,
            expires_at=expires_at,
            ip=ip,
            user_agent=user_agent.replace("\0", "\ufffd")[:_MAX_USER_AGENT],
            method=method,
        )
    )
    await connection.execute(
        update(users).where(users.c.user_id == user_id).values(last_login_at=now)
    )
    return token, expires_at


async def find(
    connection: AsyncConnection,
    token: str,
    *,
    now: datetime,
    limits: SessionLimits,
    touch: bool = True,
) -> Principal | None:
    """Whose session this is, or None when it is unknown, over, or its user is not active. With
    `touch` it was used, and may be idle for as long again."""
    row = await _row_of(connection, token)
    if row is None or row.suspended_at is not None or _elsewhere(row):
        return None
    limits = limits.shortened(hours=row.session_hours, idle_minutes=row.session_idle_minutes)
    expires_at = min(row.expires_at, row.signed_in_at + limits.lifetime)
    if expires_at <= now or row.last_seen_at <= now - limits.idle:
        return None
    seen_at = row.last_seen_at
    if touch and seen_at < now - _SEEN_EVERY:
        seen_at = now
        await connection.execute(
            update(sessions).where(sessions.c.token_hash == hash_of(token)).values(last_seen_at=now)
        )
    return Principal(
        user_id=row.user_id,
        org_id=row.org_id,
        email=row.email,
        name=row.name,
        role=row.role,
        permissions=role_permission.held(row.role, row.permissions),
        session_id=row.session_id,
        expires_at=expires_at,
        idle_expires_at=seen_at + limits.idle,
        # Who signs in elsewhere shows their second factor there.
        must_enrol=bool(row.requires_second_factor)
        and row.method == "PASSWORD"
        and row.confirmed_at is None,
    )


def _elsewhere(row: Row[*tuple[Any, ...]]) -> bool:
    """Whether the session was opened by a password that would open nothing any more."""
    return row.method == "PASSWORD" and bool(row.elsewhere) and not row.is_break_glass


async def _end_oldest(connection: AsyncConnection, user_id: str) -> None:
    """Make room for one more."""
    newest = (
        select(sessions.c.session_id)
        .where(sessions.c.user_id == user_id)
        .order_by(sessions.c.created_at.desc())
        .limit(_MAX_SESSIONS - 1)
    )
    await connection.execute(
        delete(sessions).where(sessions.c.user_id == user_id, sessions.c.session_id.not_in(newest))
    )


_ROLES, _SETTINGS = CURRENT.subquery("roles"), CURRENT.subquery("settings")
# Asked with every request: made once.
_ROW = (
    select(
        users.c.user_id,
        users.c.org_id,
        users.c.email,
        users.c.name,
        users.c.role,
        users.c.is_break_glass,
        sessions.c.session_id,
        sessions.c.method,
        sessions.c.created_at.label("signed_in_at"),
        sessions.c.last_seen_at,
        sessions.c.expires_at,
        _ROLES.c.document["permissions"].label("permissions"),
        _SETTINGS.c.document["requiresSecondFactor"].label("requires_second_factor"),
        _SETTINGS.c.document["requiresSingleSignOn"].label("elsewhere"),
        _SETTINGS.c.document["suspendedAt"].astext.label("suspended_at"),
        _SETTINGS.c.document["sessionHours"].label("session_hours"),
        _SETTINGS.c.document["sessionIdleMinutes"].label("session_idle_minutes"),
        second_factors.c.confirmed_at,
    )
    .join(users, users.c.user_id == sessions.c.user_id)
    .outerjoin(
        _ROLES,
        and_(
            _ROLES.c.org_id == users.c.org_id,
            _ROLES.c.kind == Kind.ROLE,
            _ROLES.c.id == users.c.role,
        ),
    )
    .outerjoin(
        _SETTINGS,
        and_(_SETTINGS.c.org_id == users.c.org_id, _SETTINGS.c.kind == Kind.SETTINGS),
    )
    .outerjoin(second_factors, second_factors.c.user_id == users.c.user_id)
    .where(sessions.c.token_hash == bindparam("token_hash"), users.c.status == "ACTIVE")
)


async def _row_of(connection: AsyncConnection, token: str) -> Row[*tuple[Any, ...]] | None:
    found = await connection.execute(_ROW, {"token_hash": hash_of(token)})
    return found.one_or_none()


async def of_user(
    connection: AsyncConnection, org_id: str, user_id: str, *, now: datetime
) -> Sequence[Session]:
    """Where a person of the organisation is signed in, newest first."""
    found = await connection.execute(
        select(sessions)
        .join(users, users.c.user_id == sessions.c.user_id)
        .where(users.c.org_id == org_id, sessions.c.user_id == user_id, sessions.c.expires_at > now)
        .order_by(sessions.c.created_at.desc(), sessions.c.session_id)
    )
    return [
        Session(
            session_id=row.session_id,
            ip=row.ip,
            user_agent=row.user_agent,
            method=row.method,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            expires_at=row.expires_at,
        )
        for row in found
    ]


async def end(connection: AsyncConnection, token: str) -> None:
    """Sign out: the token is worth nothing from now on."""
    await connection.execute(delete(sessions).where(sessions.c.token_hash == hash_of(token)))


async def end_one(connection: AsyncConnection, user_id: str, session_id: str) -> bool:
    """End one of a person's sessions; False when they have no such one."""
    done = await connection.execute(
        delete(sessions).where(sessions.c.user_id == user_id, sessions.c.session_id == session_id)
    )
    return done.rowcount > 0


async def end_all(connection: AsyncConnection, user_id: str, *, but: str | None = None) -> int:
    """End a person's sessions, all `but` the one of this id; gives how many."""
    statement = delete(sessions).where(sessions.c.user_id == user_id)
    if but is not None:
        statement = statement.where(sessions.c.session_id != but)
    return (await connection.execute(statement)).rowcount


async def end_by_password(connection: AsyncConnection, org_id: str) -> int:
    """End the sessions that a password opened, but for accounts that are marked for emergencies;
    gives how many."""
    others = select(users.c.user_id).where(
        users.c.org_id == org_id, users.c.is_break_glass.is_(False)
    )
    ended = await connection.execute(
        delete(sessions).where(sessions.c.method == "PASSWORD", sessions.c.user_id.in_(others))
    )
    return ended.rowcount


async def end_all_of_org(connection: AsyncConnection, org_id: str) -> int:
    """End every session of an organisation; gives how many."""
    everybody = select(users.c.user_id).where(users.c.org_id == org_id)
    ended = await connection.execute(delete(sessions).where(sessions.c.user_id.in_(everybody)))
    return ended.rowcount
