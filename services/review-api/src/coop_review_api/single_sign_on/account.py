"""Whose account an identity provider's word opens.

Guarantees: an account of the provider's own organisation, there already, and active; no account is
made. The address is compared as it is kept, in ASCII, so that no letter stands for another, and
what looks like it is not it.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.directory.person import PEOPLE
from coop_review_api.kernel.email_address import check_email, normalize_email
from coop_review_api.single_sign_on.error import NoAccount, SignInRefused
from coop_review_api.single_sign_on.provider import Provider


async def find(connection: AsyncConnection, provider: Provider, email: str) -> str:
    """The account's id. Raises `SignInRefused` for what is no address, `NoAccount`."""
    if not email.isascii() or check_email(normalize_email(email)):
        raise SignInRefused("email", "the provider named no e-mail address")
    row = (
        await connection.execute(
            select(PEOPLE.of.c.user_id, PEOPLE.of.c.status).where(
                PEOPLE.of.c.org_id == provider.org_id,
                PEOPLE.of.c.email == normalize_email(email),
            )
        )
    ).one_or_none()
    if row is None:
        raise NoAccount("unknown", "the organisation has no account of this address")
    if row.status != "ACTIVE":
        raise NoAccount("inactive", "the account is not active")
    if (await settings_of(connection, provider.org_id)).suspended_at is not None:
        raise NoAccount("suspended", "the organisation is suspended")
    return str(row.user_id)


async def is_active(connection: AsyncConnection, provider: Provider, user_id: str) -> bool:
    """Whether the account is the organisation's, and still active. (A suspended organisation's
    sessions are good for nothing.)"""
    found = await connection.scalar(
        select(PEOPLE.of.c.status).where(
            PEOPLE.of.c.org_id == provider.org_id, PEOPLE.of.c.user_id == user_id
        )
    )
    return found == "ACTIVE"
