"""From when on an organisation's items are shown: what the history's reader asks.

Must not: delete anything; the role `history` does.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, OrgSettings
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import read
from coop_review_api.history.reader import Horizon
from coop_review_api.history.retention import DEFAULT_DAYS, horizon
from coop_review_api.kernel.clock import Clock


def horizon_of(clock: Clock) -> Horizon:
    """By the settings as they are in the configuration log now."""

    async def find(connection: AsyncConnection, org_id: str) -> datetime | None:
        entry = await read(connection, org_id, Kind.SETTINGS, OrgSettings, SETTINGS_ID)
        settings = None if entry is None else entry.document
        return horizon(clock(), DEFAULT_DAYS if settings is None else settings.item_history_days)

    return find
