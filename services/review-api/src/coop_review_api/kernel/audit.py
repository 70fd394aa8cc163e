"""The audit log: who did what, when.

Guarantees: append-only (a trigger refuses updates and deletes); written in the transaction of what
it records.
Must not: hold secrets or the contents of documents; `config_log` has those.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.kernel.schema import audit_log


async def record(
    connection: AsyncConnection,
    *,
    org_id: str | None,
    actor: str,
    action: str,
    time: datetime,
    target: tuple[str, str] | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Append one row. `action` is `<noun>.<past participle>`, `target` a kind and an id."""
    await connection.execute(
        insert(audit_log).values(
            org_id=org_id,
            actor=actor,
            action=action,
            time=time,
            target_kind=target[0] if target else None,
            target_id=target[1] if target else None,
            detail=detail or {},
        )
    )
