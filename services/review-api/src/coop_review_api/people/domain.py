"""Which organisation a mail domain belongs to.

The operator enters domains (`sso-domain`): an organisation that could enter any domain could send
other people's staff to a page of its own making.

Guarantees: a domain is one organisation's; no other has, or invites, anybody with an address there;
the answer depends on the domain alone: it does not tell whether an address is known.
Must not: be asked whether somebody may sign in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.configuration.log import lock
from coop_review_api.configuration.relation import ORGS
from coop_review_api.directory.table import users
from coop_review_api.kernel import audit
from coop_review_api.kernel.email_address import ascii_domain, domain_of, is_domain
from coop_review_api.kernel.error import Conflict, Fault, Invalid, NotFound
from coop_review_api.people import entrusted, session
from coop_review_api.people.table import invitations, login_challenges, password_resets, sso_domains


def normal(domain: str) -> str:
    """A domain as it is kept. Raises `Invalid`."""
    found = ascii_domain(domain)
    if not is_domain(found):
        raise Invalid([Fault("/domain", "not a domain, such as example.com")])
    return found


async def owner_of(connection: AsyncConnection, domain: str) -> str | None:
    """The organisation that a domain, in the form in which domains are kept, belongs to."""
    found: str | None = await connection.scalar(
        select(sso_domains.c.org_id).where(sso_domains.c.domain == domain)
    )
    return found


async def check(connection: AsyncConnection, org_id: str, email: str) -> None:
    """Raises `Invalid` for an address whose domain belongs to another organisation."""
    if await owner_of(connection, domain_of(email)) not in (None, org_id):
        raise Invalid([Fault("/email", "addresses of this domain are another organisation's")])


async def add(
    connection: AsyncConnection,
    org_id: str,
    domain: str,
    *,
    now: datetime,
    shut_out_others: bool = False,
) -> str:
    """Give a domain to an organisation. Raises `Invalid`, `NotFound`, and `Conflict` where it is
    another's, or where others have accounts there: with `shut_out_others` these are disabled."""
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
        await _shut_out(connection, org_id, domain, now=now, agreed=shut_out_others)
    return domain


async def _shut_out(
    connection: AsyncConnection, org_id: str, domain: str, *, now: datetime, agreed: bool
) -> None:
    """Nobody of another organisation signs in, or is invited, with an address of the domain."""
    others = (
        users.c.org_id != org_id,
        users.c.status.in_(("ACTIVE", "PENDING")),
        _at(users.c.email, domain),
    )
    found = (await connection.execute(select(users.c.user_id, users.c.org_id).where(*others))).all()
    if found and not agreed:
        raise Conflict(
            f"{len(found)} accounts of other organisations have addresses of {domain}",
            used_by=[f"account {one.user_id} of {one.org_id}" for one in found],
        )
    for one in sorted(found, key=lambda one: (one.org_id, one.user_id)):
        configuration = await lock(connection, one.org_id, author="cli", clock=lambda: now)
        await connection.execute(
            update(users).where(users.c.user_id == one.user_id).values(status="DISABLED")
        )
        await session.end_all(connection, one.user_id)
        for table in (login_challenges, password_resets):
            await connection.execute(delete(table).where(table.c.user_id == one.user_id))
        await audit.record(
            connection,
            org_id=one.org_id,
            actor="cli",
            action="user.changed",
            target=("user", one.user_id),
            detail={"status": "DISABLED", "domain": domain},
            time=now,
        )
        await entrusted.withdraw(configuration)
    await connection.execute(
        update(invitations)
        .where(
            invitations.c.org_id != org_id,
            invitations.c.accepted_at.is_(None),
            invitations.c.revoked_at.is_(None),
            _at(invitations.c.email, domain),
        )
        .values(revoked_at=now)
    )


def _at(email: ColumnElement[str], domain: str) -> ColumnElement[bool]:
    return func.split_part(email, "@", -1) == domain


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
