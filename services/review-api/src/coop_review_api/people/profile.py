"""What people choose for themselves: name, looks of the console, how media are veiled.

Guarantees: a person without a choice of their own has the organisation's; a stored choice that this
release cannot read counts as none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Wellness
from coop_review_api.directory.table import users


@dataclass(frozen=True, kw_only=True)
class Profile:
    """`wellness` is None where the organisation's holds."""

    wellness: Wellness | None
    preferences: dict[str, Any]
    has_password: bool


async def read(connection: AsyncConnection, user_id: str) -> Profile:
    """The choices of an account that exists."""
    row = (
        await connection.execute(
            select(users.c.wellness, users.c.preferences, users.c.password_hash).where(
                users.c.user_id == user_id
            )
        )
    ).one()
    return Profile(
        wellness=_wellness_of(row.wellness),
        preferences=row.preferences,
        has_password=row.password_hash is not None,
    )


async def replace(
    connection: AsyncConnection, user_id: str, *, name: str, preferences: dict[str, Any]
) -> None:
    """Name and preferences, as a whole."""
    await connection.execute(
        update(users).where(users.c.user_id == user_id).values(name=name, preferences=preferences)
    )


async def choose_wellness(
    connection: AsyncConnection, user_id: str, wellness: Wellness | None
) -> None:
    """How media are veiled for this person; None: as the organisation says."""
    stored = None if wellness is None else msgspec.to_builtins(wellness)
    await connection.execute(
        update(users).where(users.c.user_id == user_id).values(wellness=stored)
    )


def _wellness_of(stored: Any) -> Wellness | None:
    if stored is None:
        return None
    try:
        return msgspec.convert(stored, Wellness)
    except msgspec.ValidationError:
        return None
