"""Accounts: people of an organisation.

Guarantees: an e-mail address belongs to one account of one organisation; nobody grants a role that
holds a permission they lack.
Must not: return a password hash to the edge.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.ids import new_id
from coop_contracts.permission import DEFAULT_ROLE_PERMISSIONS, Permission, Role
from coop_review_api import audit
from coop_review_api.error import Conflict, Fault, Forbidden, NotFound
from coop_review_api.schema import users

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}")


@dataclass(frozen=True, kw_only=True)
class User:
    """An account without its secret."""

    user_id: str
    org_id: str
    email: str
    name: str
    role: Role
    status: str
    created_at: datetime


def normalize_email(email: str) -> str:
    """The form in which addresses are compared and kept."""
    return email.strip().lower()


def check_email(email: str, at: str = "/email") -> list[Fault]:
    return [] if _EMAIL.fullmatch(email) else [Fault(at, "not an e-mail address")]


def check_grant(role: Role, granter: Collection[Permission]) -> None:
    """Raises `Forbidden` when the role holds more than the one who grants it."""
    if not DEFAULT_ROLE_PERMISSIONS[role] <= frozenset(granter):
        raise Forbidden(f"{role} holds permissions that you do not have")


async def create(
    connection: AsyncConnection,
    *,
    org_id: str,
    email: str,
    name: str,
    role: Role,
    password_hash: str,
    author: str,
    now: datetime,
) -> User:
    """A new active account; `Conflict` when the address is taken."""
    user_id = new_id()
    inserted = await connection.scalar(
        insert(users)
        .values(
            user_id=user_id,
            org_id=org_id,
            email=email,
            name=name,
            role=str(role),
            password_hash=password_hash,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(users.c.user_id)
    )
    if inserted is None:
        raise Conflict(
            "this e-mail address cannot be used",
            faults=[Fault("/email", "an account has this address")],
        )
    await audit.record(
        connection,
        org_id=org_id,
        actor=author,
        action="user.created",
        target=("user", user_id),
        detail={"role": str(role)},
        time=now,
    )
    return User(
        user_id=user_id,
        org_id=org_id,
        email=email,
        name=name,
        role=role,
        status="ACTIVE",
        created_at=now,
    )


async def get(connection: AsyncConnection, org_id: str, user_id: str) -> User:
    row = (
        await connection.execute(
            select(users).where(users.c.org_id == org_id, users.c.user_id == user_id)
        )
    ).one_or_none()
    if row is None:
        raise NotFound(f"no user {user_id}")
    return _user_of(row)


async def page(
    connection: AsyncConnection, org_id: str, *, after: str | None, limit: int
) -> list[User]:
    """Up to `limit` accounts by id, from the one after `after`."""
    query = select(users).where(users.c.org_id == org_id).order_by(users.c.user_id).limit(limit)
    if after is not None:
        query = query.where(users.c.user_id > after)
    return [_user_of(row) for row in await connection.execute(query)]


async def unknown_ids(
    connection: AsyncConnection, org_id: str, user_ids: Collection[str]
) -> set[str]:
    """Those ids that are no account of the organisation."""
    known = await connection.scalars(
        select(users.c.user_id).where(users.c.org_id == org_id, users.c.user_id.in_(list(user_ids)))
    )
    return set(user_ids) - set(known)


def _user_of(row: Row[*tuple[object, ...]]) -> User:
    found = row._mapping
    return User(
        user_id=found["user_id"],
        org_id=found["org_id"],
        email=found["email"],
        name=found["name"],
        role=Role(found["role"]),
        status=found["status"],
        created_at=found["created_at"],
    )
