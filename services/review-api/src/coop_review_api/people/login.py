"""Logging in.

    throttled? ─▶ 429            (the password is not looked at); else counted
    password wrong, or no such account, or account not active, or its organisation requires single
    sign-on and it is not marked for emergencies, or the address has accounts in several and none is
    named ─▶ 401, all alike
    right, but the account waits for approval, or its organisation is suspended ─▶ 403, saying so
    right, no second factor ─▶ admitted: new session, audit row
    right, second factor    ─▶ challenge (five minutes, five tries) ──code──▶ admitted

Guarantees: a failure is counted and audited even though the request fails (each step commits by
itself); until the password is right, neither the answer nor the work tells whether an account
exists, or anything about it.
Must not: hold a database connection while a password is hashed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Delete, Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind
from coop_review_api.directory.table import users
from coop_review_api.http.context import Context
from coop_review_api.kernel import audit, metric
from coop_review_api.kernel.email_address import comparable
from coop_review_api.kernel.error import (
    AwaitsApproval,
    OrganisationSuspended,
    TooManyAttempts,
    Unauthenticated,
    Unavailable,
)
from coop_review_api.notification import notice
from coop_review_api.notification.notice import Notice
from coop_review_api.people import account, device, factor, session, throttle
from coop_review_api.people.password import Passwords
from coop_review_api.people.session import Method
from coop_review_api.people.table import login_challenges
from coop_review_api.people.token import hash_of, new_token
from coop_runtime.database.engine import transaction

CHALLENGE = timedelta(minutes=5)
_CHALLENGE_FAILURES = 5


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Where a login comes from. `old_token`: the session that its browser had, which ends;
    `device`: the cookie of `device`."""

    ip: str
    user_agent: str = ""
    old_token: str | None = None
    device: str | None = None


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """The password was right; now the code of the second factor, within this time."""

    token: str
    expires_at: datetime


async def log_in(
    context: Context,
    *,
    email: str,
    password: str,
    caller: Caller,
    organisation: str | None = None,
) -> str | Challenge:
    """The token of a new session, or what is still to be shown. Raises `Unauthenticated`,
    `Forbidden`, `TooManyAttempts`."""
    address = comparable(email)
    known = device.of_cookie(context.vault, caller.device, email=address, now=context.clock())
    counters = throttle.of_password(address, caller.ip, device=known)
    with _throttling():
        async with transaction(context.engine) as connection:
            await throttle.take(connection, counters.all, now=context.clock())
            row = await account.to_sign_in(connection, email, organisation)
    stored = row.password_hash if row else None
    try:
        fits = await context.part(Passwords).verify(stored, password)
    except Unavailable:  # it was not looked at
        async with transaction(context.engine) as connection:
            await throttle.give_back(connection, counters.all)
        raise
    if row is None or not fits or row.status not in {"ACTIVE", "PENDING"} or _elsewhere(row):
        org_id, user_id = (row.org_id, row.user_id) if row else (None, None)
        await _failed(context, org_id, user_id, caller.ip)
        # To all the same: a password that opens nothing must not be confirmed either.
        raise Unauthenticated(
            "e-mail address or password is wrong, or the organisation signs in with single sign-on;"
            " who has accounts in several organisations says which"
        )
    now = context.clock()
    async with transaction(context.engine) as connection:
        await throttle.succeeded(connection, counters.own, now=now)
        await throttle.give_back(connection, counters.shared)
    if row.status == "PENDING":
        raise AwaitsApproval("the account waits for somebody to approve it")
    if row.suspended:
        raise OrganisationSuspended("the organisation is suspended")
    renewed = None
    if context.part(Passwords).outdated(row.password_hash):
        renewed = await context.part(Passwords).hash(password)
    async with transaction(context.engine) as connection:
        if not await _unchanged(connection, row):
            raise Unauthenticated("the password or the account was changed just now")
        if renewed is not None:
            await connection.execute(
                update(users).where(users.c.user_id == row.user_id).values(password_hash=renewed)
            )
        if row.confirmed_at is not None:
            return await _challenge(connection, row.user_id, now)
        return await admit(
            connection, context, org_id=row.org_id, user_id=row.user_id, caller=caller
        )


async def answer(context: Context, *, challenge: str, code: str, caller: Caller) -> str:
    """The token of a new session for a challenge's code. Raises `Unauthenticated`,
    `TooManyAttempts`."""
    now = context.clock()
    async with transaction(context.engine) as connection:
        row = await _open_challenge(connection, challenge, now)
        if row is not None:
            address = comparable(row.email)
            known = device.of_cookie(context.vault, caller.device, email=address, now=now)
            counters = throttle.of_code(row.user_id, device=known)
            with _throttling():
                await throttle.check(connection, counters, now=now)
            if await factor.accept(
                connection,
                context.vault,
                org_id=row.org_id,
                user_id=row.user_id,
                code=code,
                now=now,
            ):
                await connection.execute(_challenge_row(challenge))
                await throttle.succeeded(connection, counters, now=now)
                return await admit(
                    connection, context, org_id=row.org_id, user_id=row.user_id, caller=caller
                )
            await throttle.failed(connection, counters, now=now)
            await _refuse_code(connection, context, row, challenge, ip=caller.ip)
    metric.LOGINS.labels("refused").inc()
    raise Unauthenticated("the code is wrong, or it took too long: sign in again")


async def admit(
    connection: AsyncConnection,
    context: Context,
    *,
    org_id: str,
    user_id: str,
    caller: Caller,
    method: Method = "PASSWORD",
    provider_id: str | None = None,
) -> str:
    """The token of a new session of somebody who has shown who they are, to us or to an identity
    provider."""
    now = context.clock()
    token, _ = await session.create(
        connection,
        user_id=user_id,
        ip=caller.ip,
        now=now,
        limits=context.session_limits,
        user_agent=caller.user_agent,
        method=method,
    )
    await audit.record(
        connection,
        org_id=org_id,
        actor=user_id,
        action="session.created",
        target=None if provider_id is None else (Kind.IDENTITY_PROVIDER, provider_id),
        detail={"method": method, "ip": caller.ip},
        time=now,
    )
    if caller.old_token:
        await session.end(connection, caller.old_token)
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


async def _unchanged(connection: AsyncConnection, row: Row[*tuple[Any, ...]]) -> bool:
    """Whether the account is as it was when its password was looked at; it stays so until the
    transaction ends. A new password ends all sessions: none may begin by the old one after that."""
    found = await connection.scalar(
        select(users.c.user_id)
        .where(
            users.c.user_id == row.user_id,
            users.c.password_hash == row.password_hash,
            users.c.status == "ACTIVE",
        )
        .with_for_update(key_share=True)
    )
    return found is not None


def _elsewhere(row: Row[*tuple[Any, ...]]) -> bool:
    """Whether a password opens nothing: the organisation requires single sign-on, and the account
    is not marked for emergencies."""
    return bool(row.requires_single_sign_on) and not row.is_break_glass


@contextmanager
def _throttling() -> Iterator[None]:
    try:
        yield
    except TooManyAttempts:
        metric.LOGINS.labels("throttled").inc()
        raise


async def _challenge(connection: AsyncConnection, user_id: str, now: datetime) -> Challenge:
    made = Challenge(token=new_token(), expires_at=now + CHALLENGE)
    await connection.execute(
        delete(login_challenges).where(
            (login_challenges.c.expires_at < now) | (login_challenges.c.user_id == user_id)
        )
    )
    await connection.execute(
        insert(login_challenges).values(
            token_hash=hash_of(made.token),
            user_id=user_id,
            created_at=now,
            expires_at=made.expires_at,
        )
    )
    return made


async def _open_challenge(
    connection: AsyncConnection, challenge: str, now: datetime
) -> Row[*tuple[Any, ...]] | None:
    found = await connection.execute(
        select(login_challenges.c.failures, users.c.org_id, users.c.user_id, users.c.email)
        .join(users, users.c.user_id == login_challenges.c.user_id)
        .where(
            login_challenges.c.token_hash == hash_of(challenge),
            login_challenges.c.expires_at > now,
            users.c.status == "ACTIVE",
        )
        .with_for_update(of=login_challenges)
    )
    return found.one_or_none()


def _challenge_row(challenge: str) -> Delete:
    return delete(login_challenges).where(login_challenges.c.token_hash == hash_of(challenge))


async def _refuse_code(
    connection: AsyncConnection,
    context: Context,
    row: Row[*tuple[Any, ...]],
    challenge: str,
    *,
    ip: str,
) -> None:
    now = context.clock()
    if row.failures + 1 >= _CHALLENGE_FAILURES:
        await connection.execute(_challenge_row(challenge))
        refused, user_id = Notice.CODES_REFUSED, row.user_id
        await notice.tell(connection, context.settings, refused, user_id=user_id, now=now)
    else:
        await connection.execute(
            update(login_challenges)
            .where(login_challenges.c.token_hash == hash_of(challenge))
            .values(failures=row.failures + 1)
        )
    await _record_refusal(connection, row.org_id, row.user_id, "SECOND_FACTOR", ip, now)


async def _failed(
    context: Context,
    org_id: str | None,
    user_id: str | None,
    ip: str,
) -> None:
    metric.LOGINS.labels("refused").inc()
    now = context.clock()
    async with transaction(context.engine) as connection:
        await _record_refusal(connection, org_id, user_id, "PASSWORD", ip, now)


async def _record_refusal(
    connection: AsyncConnection,
    org_id: str | None,
    user_id: str | None,
    method: str,
    ip: str,
    now: datetime,
) -> None:
    await audit.record(
        connection,
        org_id=org_id,
        actor=user_id or "unknown",
        action="session.refused",
        detail={"method": method, "ip": ip},
        time=now,
    )
