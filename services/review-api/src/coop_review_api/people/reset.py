"""Resetting a password: a token, good once and for an hour.

    none ──create──▶ open ──use──▶ none      (another create takes its place)

Guarantees: one token an account; using it sets the password, ends every session and every challenge
of the account, and uses it up, at once; a disabled account has none; one that somebody else made is
good for as long as they may make it (`entrusted`).
Must not: say whether an address has an account.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.directory.table import users
from coop_review_api.people import session
from coop_review_api.people.table import login_challenges, password_resets
from coop_review_api.people.token import hash_of, new_token

LIFETIME = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Reset:
    """An open reset."""

    token: str
    expires_at: datetime


async def create(
    connection: AsyncConnection, user_id: str, *, now: datetime, made_by: str | None = None
) -> Reset:
    """A token, in place of an earlier one. `made_by`: somebody else than the account's owner."""
    made = Reset(token=new_token(), expires_at=now + LIFETIME)
    await connection.execute(delete(password_resets).where(password_resets.c.expires_at <= now))
    row = {
        "token_hash": hash_of(made.token),
        "user_id": user_id,
        "made_by": made_by,
        "created_at": now,
        "expires_at": made.expires_at,
    }
    await connection.execute(
        insert(password_resets)
        .values(row)
        .on_conflict_do_update(index_elements=["user_id"], set_=row)
    )
    return made


async def made_at(connection: AsyncConnection, user_id: str) -> datetime | None:
    """When the account's open token was made."""
    found: datetime | None = await connection.scalar(
        select(password_resets.c.created_at).where(password_resets.c.user_id == user_id)
    )
    return found


async def account_of(
    connection: AsyncConnection, token: str, *, now: datetime
) -> Row[*tuple[Any, ...]] | None:
    """The active account (`user_id`, `org_id`, `email`, `name`) that a token may reset."""
    found = await connection.execute(
        select(users.c.user_id, users.c.org_id, users.c.email, users.c.name)
        .join(password_resets, password_resets.c.user_id == users.c.user_id)
        .where(
            password_resets.c.token_hash == hash_of(token),
            password_resets.c.expires_at > now,
            users.c.status == "ACTIVE",
        )
    )
    return found.one_or_none()


async def use(connection: AsyncConnection, token: str, *, now: datetime) -> bool:
    """Use the token up; False when it is not, or no more, good."""
    used = await connection.scalar(
        delete(password_resets)
        .where(password_resets.c.token_hash == hash_of(token), password_resets.c.expires_at > now)
        .returning(password_resets.c.user_id)
    )
    return used is not None


async def set_password(
    connection: AsyncConnection, user_id: str, password_hash: str, *, keep_session: str | None
) -> None:
    """A new password: whoever knew the old one is signed out everywhere, half-way logins and open
    resets included. `keep_session` is the id of the session that made the change."""
    await connection.execute(
        update(users)
        .where(users.c.user_id == user_id)
        .values(password_hash=password_hash, password_set_by=None)
    )
    await session.end_all(connection, user_id, but=keep_session)
    for table in (login_challenges, password_resets):
        await connection.execute(delete(table).where(table.c.user_id == user_id))
