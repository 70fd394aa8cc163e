"""People as others know them: who they are, where they are reached, what they may.

Guarantees: nothing of how somebody signs in, nor of what they prefer; whoever was removed stays,
so that history knows who it was.
Must not: change an account; `people` does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.directory.table import users
from coop_review_api.kernel.relation import Relation

PEOPLE = Relation(users, "user_id", "org_id", "email", "name", "role", "status")

_people = PEOPLE.of.c


@dataclass(frozen=True, kw_only=True)
class Reachable:
    """Somebody active."""

    user_id: str
    email: str
    role: str


async def email_of(connection: AsyncConnection, user_id: str) -> str | None:
    """Where somebody is reached."""
    found: str | None = await connection.scalar(
        select(_people.email).where(_people.user_id == user_id)
    )
    return found


async def emails_of(
    connection: AsyncConnection, org_id: str, user_ids: Collection[str]
) -> dict[str, str]:
    """Where these people of the organisation are reached, by id; those who were removed too."""
    if not user_ids:
        return {}
    found = await connection.execute(
        select(_people.user_id, _people.email).where(
            _people.org_id == org_id, _people.user_id.in_(list(user_ids))
        )
    )
    return {row.user_id: row.email for row in found}


async def with_roles(
    connection: AsyncConnection, org_id: str, roles: Collection[str]
) -> list[Reachable]:
    """The active people of these roles, by id."""
    return await _active(connection, org_id, _people.role.in_(list(roles)))


async def active(
    connection: AsyncConnection, org_id: str, user_ids: Collection[str]
) -> list[Reachable]:
    """Those of these people of the organisation who are active, by id."""
    return await _active(connection, org_id, _people.user_id.in_(list(user_ids)))


async def known_as(
    connection: AsyncConnection, org_id: str, user_ids: Collection[str]
) -> Sequence[Any]:
    """Rows of (user_id, name, status) of those of these people who are the organisation's, removed
    ones too."""
    found = await connection.execute(
        select(_people.user_id, _people.name, _people.status).where(
            _people.org_id == org_id, _people.user_id.in_(list(user_ids))
        )
    )
    return found.all()


async def _active(
    connection: AsyncConnection, org_id: str, condition: ColumnElement[bool]
) -> list[Reachable]:
    found = await connection.execute(
        select(_people.user_id, _people.email, _people.role)
        .where(_people.org_id == org_id, _people.status == "ACTIVE", condition)
        .order_by(_people.user_id)
    )
    return [Reachable(user_id=row.user_id, email=row.email, role=row.role) for row in found]


async def roles_in_use(connection: AsyncConnection, org_id: str) -> frozenset[str]:
    """The roles of everybody who was not removed."""
    query = select(_people.role).where(_people.org_id == org_id, _people.status != "REMOVED")
    return frozenset(await connection.scalars(query.distinct()))
