"""What an organisation decided for itself, as it is now."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, OrgSettings
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import read


async def settings_of(connection: AsyncConnection, org_id: str) -> OrgSettings:
    """The organisation's settings; the defaults, and no name, where none were saved."""
    entry = await read(connection, org_id, Kind.SETTINGS, OrgSettings, SETTINGS_ID)
    return entry.document if entry else OrgSettings(id=SETTINGS_ID, name="")
