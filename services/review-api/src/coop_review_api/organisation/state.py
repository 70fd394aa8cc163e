"""Organisations as the operator sees them: which there are, and whether they may do anything.

    active ──suspend──▶ suspended ──resume──▶ active
                            ╰──remove──▶ gone            (`removal`)

Suspended: ingest answers 403, nobody is signed in or signs in, nothing is delivered. What waits for
delivery goes on waiting, and leaves after `resume`.

Guarantees: said in the organisation's settings, hence everywhere within a second, and recorded.
Must not: be reachable over HTTP; an operator decides this.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, OrgSettings
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import lock
from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.configuration.relation import ORGS
from coop_review_api.directory.person import PEOPLE
from coop_review_api.kernel import audit
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import Conflict, NotFound
from coop_review_api.kernel.schema import audit_log
from coop_review_api.people import account, domain, session

AUTHOR = "cli"


class OrganisationState(Struct, frozen=True, kw_only=True, rename="camel"):
    """One organisation. `people`: accounts that were not removed."""

    org_id: str
    slug: str | None
    name: str
    created_at: datetime
    suspended_at: datetime | None
    people: int
    domains: tuple[str, ...]


async def every(connection: AsyncConnection) -> list[OrganisationState]:
    """All organisations, oldest first."""
    found = await connection.execute(select(ORGS.of).order_by(ORGS.of.c.created_at))
    return [await _shown(connection, row.org_id) for row in found.all()]


async def named(connection: AsyncConnection, name: str) -> OrganisationState:
    """The organisation of an id, a slug or a domain. Raises `NotFound`."""
    org_id = await account.org_of(connection, name)
    if org_id is None:
        raise NotFound(f"no organisation {name}")
    return await _shown(connection, org_id)


async def was_removed(connection: AsyncConnection, org_id: str) -> bool:
    """Whether an organisation of this id came to its end here: services remember the revisions of
    its documents, and take none that is not above them."""
    found = await connection.scalar(
        select(audit_log.c.audit_id)
        .where(
            audit_log.c.org_id.is_(None),
            audit_log.c.action == "organisation.removed",
            audit_log.c.target_id == org_id,
        )
        .limit(1)
    )
    return found is not None


async def suspend(connection: AsyncConnection, org_id: str, *, clock: Clock) -> None:
    """Nothing goes in or out any more. Again: nothing changes."""
    await _say(connection, org_id, clock=clock, suspended=True)
    await session.end_all_of_org(connection, org_id)


async def resume(connection: AsyncConnection, org_id: str, *, clock: Clock) -> None:
    """It may do again what it might. Raises `Conflict` where it was not suspended."""
    if (await settings_of(connection, org_id)).suspended_at is None:
        raise Conflict("the organisation is not suspended")
    await _say(connection, org_id, clock=clock, suspended=False)


async def _say(connection: AsyncConnection, org_id: str, *, clock: Clock, suspended: bool) -> None:
    configuration = await lock(connection, org_id, author=AUTHOR, clock=clock)
    entry = await configuration.get(Kind.SETTINGS, OrgSettings, SETTINGS_ID)
    if (entry.document.suspended_at is not None) == suspended:
        return
    suspended_at = configuration.now if suspended else None
    changed = msgspec.structs.replace(entry.document, suspended_at=suspended_at)
    # Unchecked: whatever else may be wrong with the settings does not keep it from being so.
    await configuration.restate(Kind.SETTINGS, SETTINGS_ID, changed)
    await audit.record(
        connection,
        org_id=org_id,
        actor=AUTHOR,
        action="organisation.suspended" if suspended else "organisation.resumed",
        time=configuration.now,
    )


async def _shown(connection: AsyncConnection, org_id: str) -> OrganisationState:
    row = (await connection.execute(select(ORGS.of).where(ORGS.of.c.org_id == org_id))).one()
    settings = await settings_of(connection, org_id)
    people = await connection.scalar(
        select(func.count()).where(PEOPLE.of.c.org_id == org_id, PEOPLE.of.c.status != "REMOVED")
    )
    return OrganisationState(
        org_id=org_id,
        slug=row.slug,
        name=settings.name,
        created_at=row.created_at,
        suspended_at=settings.suspended_at,
        people=int(people or 0),
        domains=tuple(await domain.of(connection, org_id)),
    )
