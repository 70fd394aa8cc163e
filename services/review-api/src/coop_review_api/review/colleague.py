"""Which of some people may see a job: whoever is told of it, or given it.

Guarantees: nothing says which of those who may not exist.
Must not: be asked about the person who makes the request; `kernel.access` is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Queue
from coop_contracts.permission import Permission
from coop_queues.job import JobSummary
from coop_review_api.configuration import role_permission
from coop_review_api.directory import person
from coop_review_api.kernel.access import may_see


@dataclass(frozen=True, kw_only=True)
class Colleague:
    """Somebody active, and what they may."""

    user_id: str
    role: str
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def may_review(self, job: JobSummary, queue: Queue | None) -> bool:
        """Whether the job is open to them."""
        return self.may(Permission.VIEW_MRT) and may_see(self, job, queue)


async def colleagues(
    connection: AsyncConnection, org_id: str, user_ids: Collection[str]
) -> dict[str, Colleague]:
    """Those of these people of the organisation who are active, by id."""
    roles = await role_permission.definitions(connection, org_id)
    found = {}
    for one in await person.active(connection, org_id, user_ids):
        definition = roles.get(one.role)
        held = frozenset(definition.permissions if definition else ())
        found[one.user_id] = Colleague(user_id=one.user_id, role=one.role, permissions=held)
    return found
