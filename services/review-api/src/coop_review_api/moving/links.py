"""Links with which people who came from Coop set their password: Coop's own are of no use here.

Guarantees: a link is good once and for an hour, in place of an earlier one; only for accounts that
are active and have no password yet.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.configuration.log import lock
from coop_review_api.configuration.role_permission import roles_holding
from coop_review_api.directory import person
from coop_review_api.kernel import audit
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import Conflict, Fault, Invalid
from coop_review_api.people import reset, user
from coop_review_api.people.administration import ADMINISTERS
from coop_review_api.people.link import link_of
from coop_review_api.people.user import User
from coop_review_api.settings import Settings
from coop_runtime.database.engine import transaction

_OPERATOR = "cli"


async def make(
    engine: AsyncEngine,
    settings: Settings,
    org_id: str,
    *,
    emails: Collection[str],
    clock: Clock,
) -> Sequence[dict[str, Any]]:
    """A link for each of these people, or for all who administer the organisation. Raises
    `Invalid` for an address that nobody has, `Conflict` for an account with a password."""
    async with transaction(engine) as connection:
        await lock(connection, org_id, author=_OPERATOR, clock=clock)
        found: list[User] = []
        for email in emails:
            one = await user.find_by_email(connection, org_id, email)
            if one is None or one.status != "ACTIVE":
                raise Invalid([Fault("/email", f"nobody active has the address {email}")])
            if one.has_password:
                raise Conflict(f"{email} has a password: they may ask for a link themselves")
            found.append(one)
        if not emails:
            roles = await roles_holding(connection, org_id, *ADMINISTERS)
            for there in await person.with_roles(connection, org_id, roles):
                one = await user.get(connection, org_id, there.user_id)
                if not one.has_password:
                    found.append(one)
        return [await _link(connection, settings, one, clock) for one in found]


async def _link(connection: Any, settings: Settings, one: User, clock: Clock) -> dict[str, Any]:
    at = clock()
    made = await reset.create(connection, one.user_id, now=at)
    await audit.record(
        connection,
        org_id=one.org_id,
        actor=_OPERATOR,
        action="password.reset-link-created",
        target=("user", one.user_id),
        detail={"mailed": False},
        time=at,
    )
    return {
        "userId": one.user_id,
        "email": one.email,
        "link": link_of(settings, "reset", made.token),
        "expiresAt": made.expires_at,
    }
