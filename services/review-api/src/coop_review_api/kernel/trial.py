"""How often an organisation tries something out, where others are asked for that.

Guarantees: so many a minute and no more, however many ask at once and whatever else the audit log
has of that minute; each leaves an audit row, before anybody is asked.
Must not: count anything else: what is counted are the rows of one action in the audit log.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import func, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.kernel import audit
from coop_review_api.kernel.error import TooManyAttempts
from coop_review_api.kernel.principal import Principal
from coop_review_api.kernel.schema import audit_log

_MINUTE: Final = timedelta(minutes=1)

Tried = Literal["integration.tried", "test_request.sent"]
"""The actions that are counted: those of the index `audit_log_trials_ix`."""


async def count(
    connection: AsyncConnection,
    principal: Principal,
    *,
    action: Tried,
    target: tuple[str, str],
    detail: dict[str, Any] | None = None,
    a_minute: int,
    now: datetime,
) -> None:
    """One more, with its row. Raises `TooManyAttempts`."""
    org_id = principal.org_id
    # Two at once must see each other.
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
    await connection.execute(lock, {"name": f"coop {action} {org_id}"})
    tried = await connection.scalar(
        select(func.count())
        .select_from(audit_log)
        .where(
            audit_log.c.org_id == org_id,
            # Written out: to the index a parameter is no promise.
            audit_log.c.action == literal_column(f"'{action}'"),
            audit_log.c.time > now - _MINUTE,
        )
    )
    if (tried or 0) >= a_minute:
        raise TooManyAttempts(
            f"an organisation tries this {a_minute} times a minute at most", retry_after=60
        )
    await audit.record(
        connection,
        org_id=org_id,
        actor=principal.user_id,
        action=action,
        time=now,
        target=target,
        detail=detail,
    )
