"""What people did with the evidence of a report: held it, asked for its end, confirmed or refused.

Guarantees: written in the transaction of what it tells; it stays when the evidence is gone.
Must not: say what is in a report.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_ncmec_reporter.store import Cybertip


async def note(
    connection: AsyncConnection,
    tip: Cybertip,
    *,
    who: str,
    what: str,
    why: str = "",
    now: datetime,
) -> None:
    """One row."""
    await connection.execute(
        text(
            "INSERT INTO ncmec.evidence_log (org_id, cybertip_id, who, what, why, at) "
            "VALUES (:org, :cybertip, :who, :what, :why, :now)"
        ),
        {
            "org": tip.org_id,
            "cybertip": tip.cybertip_id,
            "who": who,
            "what": what,
            "why": why,
            "now": now,
        },
    )
