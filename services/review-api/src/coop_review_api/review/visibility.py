"""What of past decisions a person may read.

Must not: read them.
"""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.permission import Permission
from coop_review_api.kernel.principal import Principal
from coop_review_api.review.desk import known_queues, visible_queues


class ReaderScope(Struct, frozen=True, kw_only=True, rename="camel"):
    """What the reader may see. `queue_ids` are the queues open to them; None: all, those too that
    were deleted."""

    org_id: str
    user_id: str
    queue_ids: tuple[str, ...] | None
    child_safety: bool

    def may_read(self, queue_id: str, reviewer_id: str | None) -> bool:
        """Whether a decision of that queue is open to them: their own always is."""
        is_open = self.queue_ids is None or queue_id in self.queue_ids
        return is_open or reviewer_id == self.user_id

    def has_queues_of(self, other: ReaderScope) -> bool:
        """Whether every queue that is open to `other` is open to them."""
        if self.queue_ids is None or other.queue_ids is None:
            return self.queue_ids is None
        return set(other.queue_ids) <= set(self.queue_ids)


def investigates(principal: Principal, *, of_one: bool) -> bool:
    """Whether the person may ask what was done about one item or user, in every queue that they
    know of; about several nobody is told more than their queues say."""
    return of_one and principal.may(Permission.VIEW_INVESTIGATION)


async def scope_of(
    connection: AsyncConnection, principal: Principal, *, of_one: bool = False
) -> ReaderScope:
    """What the person may see; `of_one`: of what was done about one item or user."""
    queue_ids = None
    if not principal.may(Permission.EDIT_MRT_QUEUES):
        if investigates(principal, of_one=of_one):
            queue_ids = tuple(await known_queues(connection, principal))
        else:
            queue_ids = tuple(await visible_queues(connection, principal))
    return ReaderScope(
        org_id=principal.org_id,
        user_id=principal.user_id,
        queue_ids=queue_ids,
        child_safety=principal.may(Permission.VIEW_CHILD_SAFETY_DATA),
    )
