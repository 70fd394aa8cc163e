"""The directory: who there is, by name, for colleagues.

Guarantees: a name and whether somebody is active, and nothing else of them: no address, no role;
whoever was removed is there with their name; those who were never let in are found by their id
alone.
Must not: say who holds which permission.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, false, func, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, Queue
from coop_contracts.permission import Permission
from coop_review_api.configuration import role_permission
from coop_review_api.configuration.catalogue import load_documents
from coop_review_api.directory.person import PEOPLE
from coop_review_api.kernel.access import may_know
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal

_people = PEOPLE.of.c
_NEVER_LET_IN = ("PENDING", "REJECTED")

READERS: Final = (
    Permission.VIEW_MRT,
    Permission.VIEW_MRT_DATA,
    Permission.EDIT_MRT_QUEUES,
    Permission.MANAGE_ROUTING_RULES,
    Permission.VIEW_RULES_DASHBOARD,
    Permission.VIEW_INSIGHTS,
    Permission.VIEW_INVESTIGATION,
    Permission.MANAGE_ORG,
    Permission.MANAGE_USERS,
)
"""One of these is needed: whoever has it sees names elsewhere."""


@dataclass(frozen=True, kw_only=True)
class DirectoryFilter:
    """Which people: all that is given holds. `search` is a part of the name, `queue_id` a queue
    that they review in."""

    ids: Collection[str] | None = None
    search: str | None = None
    queue_id: str | None = None
    is_active: bool | None = None


async def page(
    connection: AsyncConnection,
    principal: Principal,
    wanted: DirectoryFilter,
    *,
    after: str | None,
    limit: int,
) -> Sequence[Any]:
    """Up to `limit` rows of (user_id, name, status) by name, from the one after the id `after`.
    Raises `NotFound` for a queue that the caller does not know of."""
    place = tuple_(func.lower(_people.name), _people.user_id)
    query = select(_people.user_id, _people.name, _people.status).where(
        _people.org_id == principal.org_id, *_conditions(wanted)
    )
    if wanted.queue_id is not None:
        query = query.where(await _reviews_in(connection, principal, wanted.queue_id))
    if after is not None:
        last = PEOPLE.subquery("last")
        query = query.where(
            place
            > select(func.lower(last.c.name), last.c.user_id)
            .where(last.c.org_id == principal.org_id, last.c.user_id == after)
            .scalar_subquery()
        )
    query = query.order_by(func.lower(_people.name), _people.user_id).limit(limit)
    return (await connection.execute(query)).all()


def _conditions(wanted: DirectoryFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.ids is not None:
        conditions.append(_people.user_id.in_(list(wanted.ids)))
    else:
        conditions.append(_people.status.not_in(_NEVER_LET_IN))
    if wanted.search is not None:
        conditions.append(_people.name.icontains(wanted.search, autoescape=True))
    if wanted.is_active is not None:
        is_active = _people.status == "ACTIVE"
        conditions.append(is_active if wanted.is_active else ~is_active)
    return conditions


async def _reviews_in(
    connection: AsyncConnection, principal: Principal, queue_id: str
) -> ColumnElement[bool]:
    """Whether somebody reviews in the queue: `kernel.access.may_work`, of many people at once."""
    catalogue = await load_documents(connection, principal.org_id, [(Kind.QUEUE, queue_id)])
    queue = catalogue.get(Kind.QUEUE, Queue, queue_id)
    if queue is None or not may_know(principal, queue):
        raise NotFound(f"no queue {queue_id:.60}")
    roles = await role_permission.definitions(connection, principal.org_id)
    reviewers = [one.id for one in roles.values() if Permission.VIEW_MRT in one.permissions]
    editors = [one for one in reviewers if Permission.EDIT_MRT_QUEUES in roles[one].permissions]
    given = (
        (true() if queue.open_to_everyone else false())
        | _people.user_id.in_(queue.reviewer_ids)
        | _people.role.in_(queue.reviewer_roles)
    )
    return _people.role.in_(editors) | (_people.role.in_(reviewers) & given)
