"""Which media of a job a reviewer saw whole: what the log of reveals says."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.kernel.principal import Principal
from coop_review_api.media.table import media_reveals


class RevealedMedia:
    """Looks it up for decisions."""

    async def of(
        self, connection: AsyncConnection, principal: Principal, job_id: str
    ) -> frozenset[tuple[str, str]]:
        """By key of the item and digest of the address: revealed clear, by this person, in this
        job."""
        table = media_reveals.c
        rows = await connection.execute(
            select(table.item_key, table.value_key).where(
                table.org_id == principal.org_id,
                table.user_id == principal.user_id,
                table.job_id == job_id,
                table.stage == "clear",
            )
        )
        return frozenset((str(row.item_key), row.value_key) for row in rows)
