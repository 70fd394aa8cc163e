"""The trace that looking at child-safety data leaves.

Guarantees: an audit row in the transaction of the look: who saw what, when.
Must not: decide who may look; `access` and the queries do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api import audit
from coop_review_api.session import Principal


async def viewed(
    connection: AsyncConnection,
    principal: Principal,
    target: tuple[str, str],
    *,
    now: datetime,
) -> None:
    """One thing, a kind and an id, was looked at."""
    await audit.record(
        connection,
        org_id=principal.org_id,
        actor=principal.user_id,
        action="child-safety.viewed",
        target=target,
        time=now,
    )


async def listed(
    connection: AsyncConnection,
    principal: Principal,
    kind: str,
    ids: Sequence[str],
    *,
    now: datetime,
) -> None:
    """These of a list's entries are about child safety; nothing, if there are none."""
    if ids:
        await audit.record(
            connection,
            org_id=principal.org_id,
            actor=principal.user_id,
            action="child-safety.listed",
            target=(kind, principal.org_id),
            detail={"ids": list(ids)},
            time=now,
        )
