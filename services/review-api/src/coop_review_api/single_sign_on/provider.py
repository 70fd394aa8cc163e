"""Identity providers as they are used: found by id alone, because the browser's address names no
organisation.

Guarantees: whoever comes through a provider comes into the provider's own organisation.
Must not: give a secret to the edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import Text, cast, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import IdentityProvider, Kind
from coop_review_api.configuration.relation import CURRENT
from coop_review_api.kernel.email_address import domain_of
from coop_review_api.people import account, domain


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A provider and whose it is."""

    org_id: str
    document: IdentityProvider

    @property
    def id(self) -> str:
        return self.document.id


async def find(connection: AsyncConnection, provider_id: str) -> Provider | None:
    """The provider of that id, enabled or not; None where there is none."""
    row = (
        await connection.execute(
            select(CURRENT.of.c.org_id, cast(CURRENT.of.c.document, Text).label("document")).where(
                CURRENT.of.c.kind == Kind.IDENTITY_PROVIDER,
                CURRENT.of.c.id == provider_id,
                CURRENT.of.c.document.is_not(None),
            )
        )
    ).one_or_none()
    if row is None:
        return None
    return Provider(
        org_id=row.org_id, document=msgspec.json.decode(row.document, type=IdentityProvider)
    )


async def of_address(
    connection: AsyncConnection, email: str, organisation: str | None = None
) -> Provider | None:
    """The one provider of the organisation that has the address's domain, or is named; None where
    there is no such organisation, or it has none or several. Says nothing of the address itself."""
    if organisation is None:
        org_id = await domain.owner_of(connection, domain_of(email))
    else:
        org_id = await account.org_of(connection, organisation)
    if org_id is None:
        return None
    providers = await of_org(connection, org_id)
    return providers[0] if len(providers) == 1 else None


async def of_org(connection: AsyncConnection, org_id: str) -> list[Provider]:
    """The organisation's enabled providers, by id."""
    rows = await connection.scalars(
        select(cast(CURRENT.of.c.document, Text))
        .where(
            CURRENT.of.c.org_id == org_id,
            CURRENT.of.c.kind == Kind.IDENTITY_PROVIDER,
            CURRENT.of.c.document.is_not(None),
        )
        .order_by(CURRENT.of.c.id)
    )
    found = [msgspec.json.decode(row, type=IdentityProvider) for row in rows]
    return [Provider(org_id=org_id, document=one) for one in found if one.enabled]
