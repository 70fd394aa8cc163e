"""Accounts: people of an organisation.

    PENDING ──approve──▶ ACTIVE ◀──enable, disable──▶ DISABLED
       └────reject────▶ REJECTED ──approve──▶ ACTIVE
    any ──remove──▶ REMOVED                (the end: its address may be used again)

Guarantees: within an organisation an e-mail address, and all that look like it, belong to one
account; an account's row is never deleted, so that history knows who it was.
Must not: return a password hash to the edge; decide who may change whom (`administration` does).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.ids import new_id
from coop_review_api.directory.table import users
from coop_review_api.kernel import audit
from coop_review_api.kernel.email_address import comparable
from coop_review_api.kernel.error import Conflict, Fault, NotFound
from coop_review_api.people import domain
from coop_review_api.people.table import second_factors

Status = Literal["PENDING", "ACTIVE", "DISABLED", "REJECTED", "REMOVED"]


@dataclass(frozen=True, kw_only=True)
class User:
    """An account without its secrets. `has_password` is false for those who only sign in
    elsewhere. `created_by`: who made or invited it, a person's id or `cli`."""

    user_id: str
    org_id: str
    email: str
    name: str
    role: str
    status: Status
    created_at: datetime
    created_by: str | None
    last_login_at: datetime | None
    is_break_glass: bool
    has_password: bool
    has_second_factor: bool


async def create(  # noqa: PLR0913 - what an account consists of
    connection: AsyncConnection,
    *,
    org_id: str,
    email: str,
    name: str,
    role: str,
    password_hash: str | None,
    author: str,
    now: datetime,
    status: Status = "ACTIVE",
    user_id: str | None = None,
) -> User:
    """A new account; `Conflict` when the address is taken, `Invalid` when its domain is another
    organisation's. `role` is the id of one that exists; `user_id` one that nobody has, where the
    account had it elsewhere."""
    await domain.check(connection, org_id, email)
    user_id = user_id or new_id()
    inserted = await connection.scalar(
        insert(users)
        .values(
            user_id=user_id,
            org_id=org_id,
            email=email,
            email_key=comparable(email),
            name=name,
            role=role,
            password_hash=password_hash,
            status=status,
            created_at=now,
            created_by=author,
        )
        .on_conflict_do_nothing(index_elements=["org_id", "email_key"])
        .returning(users.c.user_id)
    )
    if inserted is None:
        raise Conflict(
            "this e-mail address cannot be used",
            faults=[Fault("/email", "an account has this address, or one that looks like it")],
        )
    await audit.record(
        connection,
        org_id=org_id,
        actor=author,
        action="user.created",
        target=("user", user_id),
        detail={"role": role, "status": status},
        time=now,
    )
    return await get(connection, org_id, user_id)


async def attribute(
    connection: AsyncConnection, made: User, person_id: str, *, knows_password: bool
) -> User:
    """Say whose deed an account is, and whether they know its password."""
    await connection.execute(
        update(users)
        .where(users.c.user_id == made.user_id)
        .values(created_by=person_id, password_set_by=person_id if knows_password else None)
    )
    return await get(connection, made.org_id, made.user_id)


async def mark_break_glass(
    connection: AsyncConnection, user_id: str, *, is_break_glass: bool
) -> None:
    """Whether the account may sign in by password where single sign-on is required."""
    await connection.execute(
        update(users).where(users.c.user_id == user_id).values(is_break_glass=is_break_glass)
    )


async def get(connection: AsyncConnection, org_id: str, user_id: str) -> User:
    """The account; `NotFound` when the organisation has no such one."""
    found = await _find(connection, org_id, users.c.user_id == user_id)
    if found is None:
        raise NotFound(f"no user {user_id}")
    return found


async def find_by_email(connection: AsyncConnection, org_id: str, email: str) -> User | None:
    """The organisation's account with this address, or one that looks like it, in whatever state it
    is."""
    return await _find(connection, org_id, users.c.email_key == comparable(email))


async def page(
    connection: AsyncConnection,
    org_id: str,
    *,
    after: str | None,
    limit: int,
    status: Status | None = None,
    role: str | None = None,
    search: str | None = None,
    created_by: str | None = None,
) -> list[User]:
    """Up to `limit` accounts by id, from the one after `after`; removed ones only where asked for.
    `search` is a part of the name or the address."""
    query = _users().where(users.c.org_id == org_id).order_by(users.c.user_id).limit(limit)
    if after is not None:
        query = query.where(users.c.user_id > after)
    if status is None:
        query = query.where(users.c.status != "REMOVED")
    else:
        query = query.where(users.c.status == status)
    if role is not None:
        query = query.where(users.c.role == role)
    if created_by is not None:
        query = query.where(users.c.created_by == created_by)
    if search is not None:
        query = query.where(
            or_(
                users.c.email.icontains(search, autoescape=True),
                users.c.name.icontains(search, autoescape=True),
            )
        )
    return [_user_of(row) for row in await connection.execute(query)]


async def unknown_ids(
    connection: AsyncConnection, org_id: str, user_ids: Collection[str]
) -> set[str]:
    """Those ids that are no account of the organisation."""
    known = await connection.scalars(
        select(users.c.user_id).where(users.c.org_id == org_id, users.c.user_id.in_(list(user_ids)))
    )
    return set(user_ids) - set(known)


async def counts_by_role(connection: AsyncConnection, org_id: str) -> dict[str, int]:
    """How many accounts have each role, disabled ones too."""
    found = await connection.execute(
        select(users.c.role, func.count().label("accounts"))
        .where(users.c.org_id == org_id)
        .group_by(users.c.role)
    )
    return {row.role: row.accounts for row in found}


def _users() -> Select[Any]:
    return select(users, second_factors.c.confirmed_at).outerjoin(
        second_factors, second_factors.c.user_id == users.c.user_id
    )


async def _find(
    connection: AsyncConnection, org_id: str, condition: ColumnElement[bool]
) -> User | None:
    row = (
        await connection.execute(_users().where(users.c.org_id == org_id, condition))
    ).one_or_none()
    return None if row is None else _user_of(row)


def _user_of(row: Row[*tuple[Any, ...]]) -> User:
    return User(
        user_id=row.user_id,
        org_id=row.org_id,
        email=row.email,
        name=row.name,
        role=row.role,
        status=row.status,
        created_at=row.created_at,
        created_by=row.created_by,
        last_login_at=row.last_login_at,
        is_break_glass=row.is_break_glass,
        has_password=row.password_hash is not None,
        has_second_factor=row.confirmed_at is not None,
    )
