"""Reading the decision log as a person.

Guarantees: shows what the person may see at this moment; entries about child safety leave an audit
row that names them.
Must not: be used for files: those keep the scope of their maker (`export`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.permission import Permission
from coop_review_api.decision_log import query
from coop_review_api.decision_log.entry import LogEntry, entries_of
from coop_review_api.decision_log.question import LogQuestion
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_review_api.review.visibility import ReaderScope, scope_of


async def read(
    connection: AsyncConnection,
    principal: Principal,
    question: LogQuestion,
    *,
    after: str | None,
    limit: int,
    now: datetime,
) -> list[LogEntry]:
    """`limit` entries to be shown, newest first, from the one after `after`, and one more where
    there are more. Raises `Invalid`."""
    scope = await scope_of(connection, principal, of_one=question.of_one)
    rows = await query.page(connection, scope, question, after=after, limit=limit + 1)
    entries = await entries_of(
        connection, principal.org_id, rows, child_safety=scope.child_safety, now=now
    )
    seen = [entry.id for entry in entries[:limit] if entry.csam]
    await child_safety.listed(connection, principal, "decision-log", seen, now=now)
    return entries


async def of_job(
    connection: AsyncConnection, principal: Principal, job_id: str, *, now: datetime
) -> list[LogEntry]:
    """How a job was decided; the caller has seen to it that the person may see the job."""
    scope = ReaderScope(
        org_id=principal.org_id,
        user_id=principal.user_id,
        queue_ids=None,
        child_safety=principal.may(Permission.VIEW_CHILD_SAFETY_DATA),
    )
    question = LogQuestion(kinds=("DECISION",), job_id=job_id)
    rows = await query.page(connection, scope, question, after=None, limit=10)
    if not principal.may(Permission.VIEW_MRT_DATA):
        return []
    return await entries_of(
        connection, principal.org_id, rows, child_safety=scope.child_safety, now=now
    )
