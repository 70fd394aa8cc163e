"""Which organisation a mail domain belongs to, for those who know only their address.

The operator enters domains (`sso-domain`): an organisation that could enter any domain could send
other people's staff to a page of its own making.

Guarantees: the answer depends on the domain alone: it does not tell whether an address is known.
Must not: be asked whether somebody may sign in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.configuration.relation import ORGS
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Conflict, Fault, Invalid, NotFound
from coop_review_api.single_sign_on.provider import Provider, of_org
from coop_review_api.single_sign_on.table import sso_domains

_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


def normal(domain: str) -> str:
    """A domain as it is kept. Raises `Invalid`."""
    found = domain.strip().rstrip(".").lower()
    if not _DOMAIN.fullmatch(found):
        raise Invalid([Fault("/domain", "not a domain, such as example.com")])
    return found


async def provider_for(connection: AsyncConnection, email: str) -> Provider | None:
    """The one provider of the organisation that has the address's domain; None where there is no
    such organisation, or it has none or several."""
    domain = email.strip().rpartition("@")[2].rstrip(".").lower()
    org_id = await connection.scalar(
        select(sso_domains.c.org_id).where(sso_domains.c.domain == domain)
    )
    if org_id is None:
        return None
    providers = await of_org(connection, org_id)
    return providers[0] if len(providers) == 1 else None


async def add(connection: AsyncConnection, org_id: str, domain: str, *, now: datetime) -> str:
    """Give a domain to an organisation. Raises `Invalid`, `NotFound`, `Conflict`."""
    domain = normal(domain)
    if await connection.scalar(select(ORGS.of.c.org_id).where(ORGS.of.c.org_id == org_id)) is None:
        raise NotFound("no such organisation")
    added = await connection.execute(
        insert(sso_domains)
        .values(domain=domain, org_id=org_id, created_at=now)
        .on_conflict_do_nothing()
    )
    owner = await connection.scalar(
        select(sso_domains.c.org_id).where(sso_domains.c.domain == domain)
    )
    if owner != org_id:
        raise Conflict(f"{domain} belongs to another organisation")
    if added.rowcount:
        await _record(connection, org_id, domain, "sso-domain.added", now)
    return domain


async def remove(connection: AsyncConnection, org_id: str, domain: str, *, now: datetime) -> None:
    """Take a domain from an organisation. Raises `Invalid`, `NotFound`."""
    domain = normal(domain)
    done = await connection.execute(
        delete(sso_domains).where(sso_domains.c.domain == domain, sso_domains.c.org_id == org_id)
    )
    if done.rowcount == 0:
        raise NotFound(f"{domain} is no domain of the organisation")
    await _record(connection, org_id, domain, "sso-domain.removed", now)


async def _record(
    connection: AsyncConnection, org_id: str, domain: str, action: str, now: datetime
) -> None:
    await audit.record(
        connection,
        org_id=org_id,
        actor="cli",
        action=action,
        target=("sso-domain", domain),
        time=now,
    )


async def of(connection: AsyncConnection, org_id: str) -> Sequence[str]:
    """The organisation's domains."""
    found = await connection.scalars(
        select(sso_domains.c.domain)
        .where(sso_domains.c.org_id == org_id)
        .order_by(sso_domains.c.domain)
    )
    return list(found)
