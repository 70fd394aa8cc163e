"""What somebody signed in does with their own second factor.

Guarantees: whoever begins, removes or renews shows their password again; every code is counted, as
at login; with a new factor every other session ends; each change is recorded, and told by mail.
Must not: remove one that the organisation requires.
"""

from __future__ import annotations

from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.http.context import Context
from coop_review_api.kernel.error import Conflict, Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.notification.notice import Notice
from coop_review_api.people import credential, factor, session, throttle
from coop_review_api.people.factor import Enrolment
from coop_runtime.database.engine import transaction


async def begin(context: Context, principal: Principal, password: str) -> Enrolment:
    """A new secret, not in force yet. Raises as `credential.show_password`."""
    await credential.show_password(context, principal, password, at="/password")
    async with transaction(context.engine) as connection:
        return await factor.begin(
            connection,
            context.vault,
            org_id=principal.org_id,
            user_id=principal.user_id,
            email=principal.email,
            now=context.clock(),
        )


async def confirm(context: Context, principal: Principal, code: str) -> list[str]:
    """Put it into force; the recovery codes. Raises `Invalid`, `TooManyAttempts`."""
    now = context.clock()
    counters = throttle.of_code(principal.user_id)
    async with transaction(context.engine) as connection:
        await throttle.check(connection, counters, now=now)
        codes = await factor.confirm(
            connection,
            context.vault,
            org_id=principal.org_id,
            user_id=principal.user_id,
            code=code,
            now=now,
        )
        if codes is None:
            await throttle.failed(connection, counters, now=now)
        else:
            await throttle.succeeded(connection, counters, now=now)
            await session.end_all(connection, principal.user_id, but=principal.session_id)
            await credential.record(connection, context, principal, "second-factor.confirmed")
            await credential.tell(connection, context, principal, Notice.FACTOR_SET_UP)
    if codes is None:
        raise Invalid([Fault("/code", "does not fit: is the clock of the device right?")])
    return codes


async def renew_recovery_codes(context: Context, principal: Principal, password: str) -> list[str]:
    """Ten new ones. Raises as `credential.show_password`, and `Conflict` without a factor."""
    await credential.show_password(context, principal, password, at="/password")
    async with transaction(context.engine) as connection:
        if not await factor.in_force(connection, principal.user_id):
            raise Conflict("no second factor is set up")
        codes = await factor.renew_recovery_codes(connection, principal.user_id)
        await credential.record(connection, context, principal, "second-factor.codes-renewed")
        await credential.tell(connection, context, principal, Notice.RECOVERY_CODES_RENEWED)
    return codes


async def remove(context: Context, principal: Principal, password: str) -> None:
    """Sign in with the password alone again. Raises as `credential.show_password`, and `Conflict`
    where the organisation requires one, or there is none."""
    await credential.show_password(context, principal, password, at="/password")
    async with transaction(context.engine) as connection:
        if (await settings_of(connection, principal.org_id)).requires_second_factor:
            raise Conflict("the organisation requires a second factor")
        if not await factor.remove(connection, principal.user_id):
            raise Conflict("no second factor is set up")
        await credential.record(connection, context, principal, "second-factor.removed")
        await credential.tell(connection, context, principal, Notice.FACTOR_REMOVED)
