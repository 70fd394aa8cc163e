"""Roles: those an organisation starts with, and its own.

    /v1/roles…                  a configuration resource: revisions, differences, restore
    GET /v1/permissions         what there is to hold, in groups
    GET /v1/permission-matrix   who holds what, with the number of accounts

Guarantees: a role that nobody changed is there all the same, at revision 0.
Must not: decide who may change which; `role` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import RoleDefinition
from coop_contracts.permission import Permission
from coop_review_api.configuration import role_permission
from coop_review_api.configuration.document_model import Name, Stamped
from coop_review_api.configuration.resource import Presentation, Resource
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, Model
from coop_review_api.http.context import context_of
from coop_review_api.kernel.principal import Principal
from coop_review_api.people import user
from coop_review_api.people.role import GROUPS, ROLES
from coop_runtime.database.engine import transaction

_reads_roles = requires(Permission.MANAGE_ROLES, Permission.MANAGE_USERS)
Reader = Annotated[Principal, Depends(_reads_roles)]

router = APIRouter(prefix="/v1", tags=["roles"])


class RoleBody(Body):
    """What a role may do. An empty list is meant as it is."""

    name: Name
    description: Annotated[str, Field(max_length=1000)] = ""
    permissions: Annotated[list[Permission], Field(max_length=len(Permission))]


class RoleView(Stamped):
    """`revision` 0: never changed. `userCount`: accounts that have it (in lists)."""

    name: str
    description: str = ""
    permissions: list[Permission]
    is_default: bool
    uses_default_permissions: bool
    user_count: int | None = None


class PermissionView(Model):
    permission: Permission
    label: str
    description: str


class PermissionGroup(Model):
    name: str
    permissions: list[PermissionView]


class PermissionGroups(Model):
    groups: list[PermissionGroup]


class MatrixRole(Model):
    id: str
    name: str
    user_count: int
    permissions: list[Permission]


class MatrixView(Model):
    """One row a permission, one column a role."""

    groups: list[PermissionGroup]
    roles: list[MatrixRole]


async def _user_counts(
    connection: AsyncConnection, org_id: str, roles: Sequence[RoleDefinition]
) -> dict[str, dict[str, Any]]:
    counts = await user.counts_by_role(connection, org_id)
    return {one.id: {"userCount": counts.get(one.id, 0)} for one in roles}


def _role(shown: Presentation[RoleDefinition]) -> dict[str, Any]:
    default = role_permission.DEFAULTS.get(shown.document.id)
    same = default is not None and set(default.permissions) == set(shown.document.permissions)
    return {**shown.fields, "isDefault": default is not None, "usesDefaultPermissions": same}


ROLE_RESOURCE: Final = Resource(
    documents=ROLES,
    path="roles",
    plural="Roles",
    body=RoleBody,
    view=RoleView,
    read=_reads_roles,
    write=requires(Permission.MANAGE_ROLES),
    present=_role,
    listed=_user_counts,
)


@router.get("/permissions", operation_id="listPermissions", response_model=PermissionGroups)
async def list_permissions(principal: Reader) -> PermissionGroups:  # noqa: ARG001 - the gate
    """Every permission, as people know it."""
    return PermissionGroups(groups=_groups())


@router.get("/permission-matrix", operation_id="getPermissionMatrix", response_model=MatrixView)
async def get_permission_matrix(request: Request, principal: Reader) -> MatrixView:
    """Which role holds what, and how many have it."""
    async with transaction(context_of(request).engine) as connection:
        roles = await role_permission.definitions(connection, principal.org_id)
        counts = await user.counts_by_role(connection, principal.org_id)
    return MatrixView(
        groups=_groups(),
        roles=[
            MatrixRole(
                id=one.id,
                name=one.name,
                user_count=counts.get(one.id, 0),
                permissions=sorted(one.permissions),
            )
            for one in roles.values()
        ],
    )


def _groups() -> list[PermissionGroup]:
    return [
        PermissionGroup(
            name=name,
            permissions=[
                PermissionView(permission=permission, label=label, description=description)
                for permission, label, description in held
            ],
        )
        for name, held in GROUPS
    ]
