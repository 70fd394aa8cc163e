"""The accounts of an address: a person may have one in each of several organisations.

    one account ─▶ that one │ several, and the organisation is named ─▶ that one │ else ─▶ none

An organisation is named by its slug, a domain that the operator gave it, or its id.

Guarantees: whoever names no organisation, and has several accounts, finds as much as somebody who
has none; look-alikes of an address find the account that has it.
Must not: look at a password.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind
from coop_review_api.configuration.relation import CURRENT, ORGS
from coop_review_api.directory.table import users
from coop_review_api.kernel.email_address import ascii_domain, comparable, normalize_email
from coop_review_api.people import domain
from coop_review_api.people.table import second_factors

_CAN_SIGN_IN = ("ACTIVE", "PENDING")

Account = Row[*tuple[Any, ...]]


async def of_address(
    connection: AsyncConnection, email: str, organisation: str | None
) -> list[Account]:
    """The accounts of an address, one an organisation: the row of `users`, and of its organisation
    `slug`, `organisation` (its name), `requires_single_sign_on` and `suspended`; `confirmed_at` of
    the second factor."""
    query = _query().where(_has(email))
    if organisation is not None:
        query = query.where(users.c.org_id == await org_of(connection, organisation))
    found: dict[str, Account] = {}
    for row in await connection.execute(query):
        # Two of one organisation: from before addresses were compared as they are now.
        if row.org_id not in found or row.email == normalize_email(email):
            found[row.org_id] = row
    return list(found.values())


async def to_sign_in(
    connection: AsyncConnection, email: str, organisation: str | None
) -> Account | None:
    """The account that somebody means who signs in; None where there is none, or it is not clear
    which."""
    found = await of_address(connection, email, organisation)
    able = [row for row in found if row.status in _CAN_SIGN_IN]
    meant = able or found
    return meant[0] if len(meant) == 1 else None


async def org_of(connection: AsyncConnection, organisation: str) -> str | None:
    """The id of the organisation that somebody names."""
    named = organisation.strip()
    found: str | None = await connection.scalar(
        select(ORGS.of.c.org_id).where(
            or_(ORGS.of.c.slug == named.lower(), ORGS.of.c.org_id == named)
        )
    )
    return found or await domain.owner_of(connection, ascii_domain(named))


async def slug_of(connection: AsyncConnection, org_id: str) -> str | None:
    """What an organisation is named by; None where it is named by its id alone."""
    found: str | None = await connection.scalar(
        select(ORGS.of.c.slug).where(ORGS.of.c.org_id == org_id)
    )
    return found


def _has(email: str) -> ColumnElement[bool]:
    kept = normalize_email(email)
    return or_(
        users.c.email_key.in_((comparable(email), kept)),
        and_(users.c.email_key.is_(None), users.c.email == kept),
    )


def _query() -> Select[Any]:
    settings = CURRENT.of.c
    return (
        select(
            users,
            second_factors.c.confirmed_at,
            ORGS.of.c.slug,
            settings.document["name"].astext.label("organisation"),
            settings.document["requiresSingleSignOn"].label("requires_single_sign_on"),
            settings.document["suspendedAt"].astext.is_not(None).label("suspended"),
        )
        .join(ORGS.of, ORGS.of.c.org_id == users.c.org_id)
        .outerjoin(second_factors, second_factors.c.user_id == users.c.user_id)
        .outerjoin(
            CURRENT.of, (settings.org_id == users.c.org_id) & (settings.kind == Kind.SETTINGS)
        )
        .order_by(users.c.created_at, users.c.user_id)
    )
