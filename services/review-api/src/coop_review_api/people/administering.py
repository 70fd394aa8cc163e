"""Transactions of routes that change people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from coop_contracts.permission import Permission
from coop_review_api.configuration.changing import changing
from coop_review_api.http.context import Context
from coop_review_api.kernel.principal import Principal
from coop_review_api.notification import notice as notices
from coop_review_api.notification.notice import Notice
from coop_review_api.people.administration import Administration, administration_of


@asynccontextmanager
async def administering(
    context: Context, principal: Principal, needed: Permission = Permission.MANAGE_USERS
) -> AsyncIterator[Administration]:
    """A transaction with the organisation's lock, and the caller's powers in it."""
    async with changing(context, principal) as configuration:
        yield await administration_of(configuration, principal, needed)


async def tell_person(
    context: Context,
    administration: Administration,
    principal: Principal,
    user_id: str,
    notice: Notice,
) -> None:
    """A mail to somebody about what the caller does to their account, in its transaction."""
    await notices.tell(
        administration.connection,
        context.settings,
        notice,
        user_id=user_id,
        now=administration.now,
        by=principal.name or principal.email,
    )
