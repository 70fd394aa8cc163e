"""What somebody signed in does with their own password and second factor.

Guarantees: whoever changes how they sign in shows their password again, so that a session left open
is not enough; wrong ones are counted, as at login; a new password ends every other session, and
its owner is told by mail.
Must not: hold a database connection while a password is hashed.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.directory.table import users
from coop_review_api.http.context import Context
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Conflict, Fault, Invalid, Unavailable
from coop_review_api.kernel.principal import Principal
from coop_review_api.notification import notice as notices
from coop_review_api.notification.notice import Notice
from coop_review_api.people import reset, throttle
from coop_review_api.people.password import Passwords, check_password
from coop_runtime.database.engine import transaction


async def show_password(context: Context, principal: Principal, password: str, *, at: str) -> None:
    """Raises `Invalid` at `at` for a wrong password, `TooManyAttempts`, `Conflict` for an account
    that has none."""
    counters = throttle.of_own_password(principal.user_id)
    async with transaction(context.engine) as connection:
        await throttle.take(connection, counters, now=context.clock())
        stored = await connection.scalar(
            select(users.c.password_hash).where(users.c.user_id == principal.user_id)
        )
        if stored is None:
            raise Conflict("you sign in elsewhere: there is no password here")
    try:
        fits = await context.part(Passwords).verify(stored, password)
    except Unavailable:  # it was not looked at
        async with transaction(context.engine) as connection:
            await throttle.give_back(connection, counters)
        raise
    async with transaction(context.engine) as connection:
        if fits:
            await throttle.succeeded(connection, counters, now=context.clock())
        else:
            await record(connection, context, principal, "password.refused")
    if not fits:
        raise Invalid([Fault(at, "is wrong")])


async def change_password(
    context: Context, principal: Principal, *, current: str, new: str
) -> None:
    """A new password; every other session ends. Raises as `show_password`, and `Invalid` for one
    that is too weak."""
    async with transaction(context.engine) as connection:
        settings = await settings_of(connection, principal.org_id)
    faults = check_password(
        new,
        email=principal.email,
        known=[principal.name, settings.name],
        at="/newPassword",
    )
    if faults:
        raise Invalid(faults)
    await show_password(context, principal, current, at="/currentPassword")
    hashed = await context.part(Passwords).hash(new)
    async with transaction(context.engine) as connection:
        await reset.set_password(
            connection, principal.user_id, hashed, keep_session=principal.session_id
        )
        await record(connection, context, principal, "password.changed")
        await tell(connection, context, principal, Notice.PASSWORD_CHANGED)


async def tell(
    connection: AsyncConnection, context: Context, principal: Principal, notice: Notice
) -> None:
    """A mail to the caller about their own account, so that they know if it was not they."""
    now, user_id = context.clock(), principal.user_id
    await notices.tell(connection, context.settings, notice, user_id=user_id, now=now)


async def record(
    connection: AsyncConnection,
    context: Context,
    principal: Principal,
    action: str,
    detail: dict[str, Any] | None = None,
) -> None:
    """An audit row about the caller's own account."""
    await audit.record(
        connection,
        org_id=principal.org_id,
        actor=principal.user_id,
        action=action,
        target=("user", principal.user_id),
        detail=detail,
        time=context.clock(),
    )
