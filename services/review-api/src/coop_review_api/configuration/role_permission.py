"""Roles: which permissions each holds.

    a role's document in the configuration log   what it says, an empty set included
    none, and one of the seven default roles     its default permissions
    none                                         nothing

Guarantees: who holds what is read from the log's present state, so a change acts on the next
request; a permission that this release does not know is not held.
Must not: decide who may change roles; `administration` does.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Text, cast, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, RoleDefinition
from coop_contracts.permission import DEFAULT_ROLE_PERMISSIONS, Permission, Role
from coop_review_api.configuration.table import config_current

_DEFAULTS: dict[Role, tuple[str, str]] = {
    Role.ADMIN: ("Admin", "Everything, people and settings included."),
    Role.RULES_MANAGER: ("Rules Manager", "Writes, tests and turns on rules."),
    Role.MODERATOR_MANAGER: ("Moderator Manager", "Reviews, and runs queues and routing."),
    Role.MODERATOR: ("Moderator", "Reviews, but no child safety content."),
    Role.CHILD_SAFETY_MODERATOR: ("Child Safety Moderator", "Reviews everything."),
    Role.ANALYST: ("Analyst", "Reads metrics, drafts and backtests rules."),
    Role.EXTERNAL_MODERATOR: ("External Moderator", "Decides jobs, sees nothing else."),
}

DEFAULTS: dict[str, RoleDefinition] = {
    str(role): RoleDefinition(
        id=str(role),
        name=name,
        description=description,
        permissions=tuple(sorted(DEFAULT_ROLE_PERMISSIONS[role])),
    )
    for role, (name, description) in _DEFAULTS.items()
}
"""The roles that an organisation starts with, as they are without a document."""


def held(role_id: str, stored: Iterable[str] | None) -> frozenset[Permission]:
    """The permissions of a role; `stored` are its document's, None without a document."""
    if stored is None:
        default = DEFAULTS.get(role_id)
        return frozenset(default.permissions if default else ())
    return frozenset(Permission(name) for name in stored if name in Permission.__members__)


async def definitions(connection: AsyncConnection, org_id: str) -> dict[str, RoleDefinition]:
    """Every role of the organisation by id: the default ones, its documents over them."""
    rows = await connection.execute(
        select(cast(config_current.c.document, Text).label("document"))
        .where(
            config_current.c.org_id == org_id,
            config_current.c.kind == Kind.ROLE,
            config_current.c.document.is_not(None),
        )
        .order_by(config_current.c.id)
    )
    stored = [msgspec.json.decode(row.document, type=RoleDefinition) for row in rows]
    return DEFAULTS | {one.id: one for one in stored}


async def permissions_of(
    connection: AsyncConnection, org_id: str, role_id: str
) -> frozenset[Permission]:
    """What one role holds; nothing where there is no such role."""
    stored = await connection.scalar(
        select(config_current.c.document["permissions"]).where(
            config_current.c.org_id == org_id,
            config_current.c.kind == Kind.ROLE,
            config_current.c.id == role_id,
            config_current.c.document.is_not(None),
        )
    )
    return held(role_id, stored)


async def roles_holding(
    connection: AsyncConnection, org_id: str, *permissions: Permission
) -> list[str]:
    """The ids of the roles that hold all of these."""
    wanted = frozenset(permissions)
    found = await definitions(connection, org_id)
    return sorted(one.id for one in found.values() if wanted <= frozenset(one.permissions))
