"""Logging in.

    throttled? ─▶ 429            (the password is not looked at)
    password wrong, or no such account, or account disabled ─▶ 401, all three alike; counted
    right ─▶ counters forgotten, new session, audit row

Guarantees: a failure is counted and audited even though the request fails (each step commits by
itself); the answer and the work do not tell whether an account exists.
Must not: hold a database connection while a password is hashed.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api import audit, metric, session, throttle
from coop_review_api.context import Context
from coop_review_api.error import TooManyAttempts, Unauthenticated
from coop_review_api.schema import users
from coop_review_api.user import normalize_email
from coop_runtime.database import transaction


async def log_in(
    context: Context, *, email: str, password: str, ip: str, old_token: str | None
) -> str:
    """The token of a new session; `old_token`'s session ends. Raises `Unauthenticated`,
    `TooManyAttempts`."""
    email = normalize_email(email)
    now = context.clock()
    async with transaction(context.engine) as connection:
        try:
            await throttle.check(connection, email, ip, now=now)
        except TooManyAttempts:
            metric.LOGINS.labels("throttled").inc()
            raise
        row = (await connection.execute(select(users).where(users.c.email == email))).one_or_none()
    stored = row.password_hash if row else None
    fits = await context.passwords.verify(stored, password)
    if row is None or not fits or row.status != "ACTIVE":
        await _failed(context, row.org_id if row else None, row.user_id if row else None, email, ip)
        raise Unauthenticated("e-mail address or password is wrong")
    renewed = None
    if context.passwords.outdated(row.password_hash):
        renewed = await context.passwords.hash(password)
    async with transaction(context.engine) as connection:
        token = await _succeeded(connection, context, row.user_id, email, ip, now)
        await audit.record(
            connection,
            org_id=row.org_id,
            actor=row.user_id,
            action="session.created",
            time=now,
        )
        if renewed is not None:
            await connection.execute(
                update(users).where(users.c.user_id == row.user_id).values(password_hash=renewed)
            )
        if old_token:
            await session.end(connection, old_token)
    metric.LOGINS.labels("accepted").inc()
    return token


async def log_out(context: Context, *, token: str, org_id: str, user_id: str) -> None:
    """End the session."""
    async with transaction(context.engine) as connection:
        await session.end(connection, token)
        await audit.record(
            connection,
            org_id=org_id,
            actor=user_id,
            action="session.ended",
            time=context.clock(),
        )


async def _succeeded(
    connection: AsyncConnection,
    context: Context,
    user_id: str,
    email: str,
    ip: str,
    now: datetime,
) -> str:
    await throttle.succeeded(connection, email, ip, now=now)
    token, _ = await session.create(
        connection, user_id=user_id, ip=ip, now=now, limits=context.session_limits
    )
    return token


async def _failed(
    context: Context, org_id: str | None, user_id: str | None, email: str, ip: str
) -> None:
    metric.LOGINS.labels("refused").inc()
    now = context.clock()
    async with transaction(context.engine) as connection:
        await throttle.failed(connection, email, ip, now=now)
        await audit.record(
            connection,
            org_id=org_id,
            actor=user_id or "unknown",
            action="session.refused",
            time=now,
        )
