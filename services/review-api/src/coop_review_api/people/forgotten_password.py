"""Forgotten passwords: anybody may ask, the owner of the mailbox may choose.

    ask ─▶ counted ─▶ accounts that sign in here, and a mail server? ─▶ to each a token, a letter
                 ╰──────────────────────▶ after the same time, whatever there was ─▶ done
    choose ─▶ counted ─▶ token good? ─▶ password good? ─▶ set: every session ends

Guarantees: neither what comes of asking nor its time tells whether an address has an account; an
account gets one letter in `again_after`, at the address that it has, however the one that was given
looks. A second factor stays. A link that an administrator makes is in the owner's mail as well, and
shown to the administrator only where there is no mail server.
Must not: hold a database connection while a password is hashed, or give a link to anybody but the
letter, else.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.configuration.log import lock
from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.http.context import Context
from coop_review_api.kernel import audit
from coop_review_api.kernel.email_address import comparable
from coop_review_api.kernel.error import Invalid, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.notification import letter, notice
from coop_review_api.notification.notice import Notice
from coop_review_api.people import account, entrusted, reset, throttle
from coop_review_api.people.account import Account
from coop_review_api.people.administration import Administration
from coop_review_api.people.link import link_of
from coop_review_api.people.password import Passwords, check_password
from coop_review_api.people.user import User
from coop_runtime.database.engine import transaction


@dataclass(frozen=True, kw_only=True)
class ForgottenPasswordLimits:
    """Seconds after which asking is answered: well above what the work takes, so that its amount
    does not show. Within `again_after` of a letter an account gets no other."""

    answer_after: float = 0.3
    again_after: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class LinkForSomebody:
    """A link that an administrator made; `link` is None where its owner gets it by mail."""

    link: str | None
    expires_at: datetime


async def ask(context: Context, email: str, *, ip: str, organisation: str | None = None) -> None:
    """Queue a letter with a link for each account of the address that signs in here (in this
    organisation, where one is named), if there is a mail server. Raises `TooManyAttempts`."""
    limits = context.part(ForgottenPasswordLimits)
    answer_at = time.monotonic() + limits.answer_after
    counters = throttle.of_reset(comparable(email), ip)
    now = context.clock()
    async with transaction(context.engine) as connection:
        await throttle.take(connection, counters, now=now)
    if context.settings.mail_server is not None:
        async with transaction(context.engine) as connection:
            for found in await account.of_address(connection, email, organisation):
                await _write(connection, context, found, now=now)
    await asyncio.sleep(max(0.0, answer_at - time.monotonic()))


async def choose(context: Context, token: str, password: str, *, ip: str) -> None:
    """Set the password of the account that the token is of. Raises `NotFound` for one that is good
    for nothing, `Invalid` for a weak password, `TooManyAttempts`."""
    counters = throttle.of_token(ip)
    now = context.clock()
    async with transaction(context.engine) as connection:
        await throttle.check(connection, counters, now=now)
        found = await reset.account_of(connection, token, now=now)
        if found is None:
            await throttle.failed(connection, counters, now=now)
        settings = await settings_of(connection, found.org_id if found else "")
    if found is None or settings.suspended_at is not None:
        raise _nothing()
    known = [found.name, settings.name]
    faults = check_password(password, email=found.email, known=known)
    if faults:
        raise Invalid(faults)
    hashed = await context.part(Passwords).hash(password)
    async with transaction(context.engine) as connection:
        configuration = await lock(
            connection, found.org_id, author=found.user_id, clock=context.clock
        )
        await entrusted.withdraw(configuration)
        if not await reset.use(connection, token, now=context.clock()):
            raise _nothing()
        await reset.set_password(connection, found.user_id, hashed, keep_session=None)
        await audit.record(
            connection,
            org_id=found.org_id,
            actor=found.user_id,
            action="password.reset",
            target=("user", found.user_id),
            time=context.clock(),
        )
        await notice.tell(
            connection,
            context.settings,
            Notice.PASSWORD_RESET,
            user_id=found.user_id,
            now=context.clock(),
        )


async def make_for(
    context: Context, administration: Administration, principal: Principal, person: User
) -> LinkForSomebody:
    """A link with which somebody sets their password, made by the caller, who may."""
    connection, now = administration.connection, administration.now
    made = await reset.create(connection, person.user_id, now=now, made_by=principal.user_id)
    link = link_of(context.settings, "reset", made.token)
    mailed = context.settings.mail_server is not None
    if mailed:
        settings = await settings_of(connection, person.org_id)
        await letter.queue(
            connection,
            context.vault,
            letter.password_reset(expires_at=made.expires_at, by=principal.name or principal.email),
            letter.Envelope(
                org_id=person.org_id,
                organisation=settings.name,
                recipient=person.email,
                cause_id=f"reset/{person.user_id}/{now.isoformat()}",
                link=link,
                at=now,
            ),
        )
    await administration.record("password.reset-link-created", person.user_id, {"mailed": mailed})
    return LinkForSomebody(link=None if mailed else link, expires_at=made.expires_at)


async def _write(
    connection: AsyncConnection, context: Context, found: Account, *, now: datetime
) -> None:
    elsewhere = bool(found.requires_single_sign_on) and not found.is_break_glass
    if found.status != "ACTIVE" or found.suspended or elsewhere:
        return
    made_at = await reset.made_at(connection, found.user_id)
    if made_at is not None and made_at > now - context.part(ForgottenPasswordLimits).again_after:
        return
    made = await reset.create(connection, found.user_id, now=now)
    await letter.queue(
        connection,
        context.vault,
        letter.password_reset(expires_at=made.expires_at, sign_in_to=found.slug),
        letter.Envelope(
            org_id=found.org_id,
            organisation=found.organisation or "",
            recipient=found.email,
            cause_id=f"reset/{found.user_id}/{now.isoformat()}",
            link=link_of(context.settings, "reset", made.token),
            at=now,
        ),
    )
    await audit.record(
        connection,
        org_id=found.org_id,
        actor="unknown",
        action="password.reset-requested",
        target=("user", found.user_id),
        time=now,
    )


def _nothing() -> NotFound:
    return NotFound("this link is good for nothing (any more): ask for another one")
