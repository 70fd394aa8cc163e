"""Forgotten passwords: anybody may ask, the owner of the mailbox may choose.

    ask ─▶ counted ─▶ an account that signs in here, and a mail server? ─▶ token, letter
                 ╰──────────────────────▶ after the same time, whatever there was ─▶ done
    choose ─▶ counted ─▶ token good? ─▶ password good? ─▶ set: every session ends

Guarantees: neither what comes of asking nor its time tells whether an address has an account; an
account gets one letter in `again_after`. A second factor stays.
Must not: hold a database connection while a password is hashed, or give a link to anybody but the
letter.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind
from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.configuration.relation import CURRENT
from coop_review_api.directory.table import users
from coop_review_api.http.context import Context
from coop_review_api.kernel import audit
from coop_review_api.kernel.email_address import normalize_email
from coop_review_api.kernel.error import Invalid, NotFound
from coop_review_api.notification import letter, notice
from coop_review_api.notification.notice import Notice
from coop_review_api.people import reset, throttle
from coop_review_api.people.link import link_of
from coop_review_api.people.password import Passwords, check_password
from coop_runtime.database.engine import transaction


@dataclass(frozen=True, kw_only=True)
class ForgottenPasswordLimits:
    """Seconds after which asking is answered: well above what the work takes, so that its amount
    does not show. Within `again_after` of a letter an account gets no other."""

    answer_after: float = 0.3
    again_after: timedelta = timedelta(minutes=5)


async def ask(context: Context, email: str, *, ip: str) -> None:
    """Queue a letter with a link, if there is an account that signs in here, and a mail server.
    Raises `TooManyAttempts`."""
    limits = context.part(ForgottenPasswordLimits)
    answer_at = time.monotonic() + limits.answer_after
    email = normalize_email(email)
    counters = throttle.of_reset(email, ip)
    now = context.clock()
    async with transaction(context.engine) as connection:
        await throttle.take(connection, counters, now=now)
    if context.settings.mail_server is not None:
        async with transaction(context.engine) as connection:
            await _write(connection, context, email, now=now)
    await asyncio.sleep(max(0.0, answer_at - time.monotonic()))


async def choose(context: Context, token: str, password: str, *, ip: str) -> None:
    """Set the password of the account that the token is of. Raises `NotFound` for one that is good
    for nothing, `Invalid` for a weak password, `TooManyAttempts`."""
    counters = throttle.of_token(ip)
    now = context.clock()
    async with transaction(context.engine) as connection:
        await throttle.check(connection, counters, now=now)
        account = await reset.account_of(connection, token, now=now)
        if account is None:
            await throttle.failed(connection, counters, now=now)
        settings = await settings_of(connection, account.org_id if account else "")
    if account is None:
        raise _nothing()
    known = [account.name, settings.name]
    faults = check_password(password, email=account.email, known=known)
    if faults:
        raise Invalid(faults)
    hashed = await context.part(Passwords).hash(password)
    async with transaction(context.engine) as connection:
        if not await reset.use(connection, token, now=context.clock()):
            raise _nothing()
        await reset.set_password(connection, account.user_id, hashed, keep_session=None)
        await audit.record(
            connection,
            org_id=account.org_id,
            actor=account.user_id,
            action="password.reset",
            target=("user", account.user_id),
            time=context.clock(),
        )
        await notice.tell(
            connection,
            context.settings,
            Notice.PASSWORD_RESET,
            user_id=account.user_id,
            now=context.clock(),
        )


async def _write(
    connection: AsyncConnection, context: Context, email: str, *, now: datetime
) -> None:
    account = await _account(connection, email)
    if account is None or (account.elsewhere and not account.is_break_glass):
        return
    made_at = await reset.made_at(connection, account.user_id)
    if made_at is not None and made_at > now - context.part(ForgottenPasswordLimits).again_after:
        return
    made = await reset.create(connection, account.user_id, now=now)
    await letter.queue(
        connection,
        context.vault,
        letter.password_reset(expires_at=made.expires_at),
        letter.Envelope(
            org_id=account.org_id,
            organisation=account.organisation or "",
            recipient=email,
            cause_id=f"reset/{account.user_id}/{now.isoformat()}",
            link=link_of(context.settings, "reset", made.token),
            at=now,
        ),
    )
    await audit.record(
        connection,
        org_id=account.org_id,
        actor="unknown",
        action="password.reset-requested",
        target=("user", account.user_id),
        time=now,
    )


async def _account(connection: AsyncConnection, email: str) -> Row[*tuple[Any, ...]] | None:
    """The active account of an address, and what its organisation says of signing in."""
    settings = CURRENT.of.c
    found = await connection.execute(
        select(
            users.c.user_id,
            users.c.org_id,
            users.c.is_break_glass,
            settings.document["name"].astext.label("organisation"),
            settings.document["requiresSingleSignOn"].label("elsewhere"),
        )
        .outerjoin(
            CURRENT.of, (settings.org_id == users.c.org_id) & (settings.kind == Kind.SETTINGS)
        )
        .where(users.c.email == email, users.c.status == "ACTIVE")
    )
    return found.one_or_none()


def _nothing() -> NotFound:
    return NotFound("this link is good for nothing (any more): ask for another one")
