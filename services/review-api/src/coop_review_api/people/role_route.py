"""Roles: those an organisation starts with, and its own.

    /v1/roles…                  a configuration resource: revisions, differences, restore
    GET /v1/permissions         what there is to hold, in groups
    GET /v1/permission-matrix   who holds what, with the number of accounts

Guarantees: a role that nobody changed is there all the same, at revision 0; deleting a default
role's document brings its defaults back; a role in use is not deleted; nobody changes a role beyond
what they hold, and nobody locks the organisation out (`administration`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, RoleDefinition
from coop_contracts.permission import Permission
from coop_review_api.configuration import role_permission as role
from coop_review_api.configuration.document_model import Name, Stamped
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.configuration.resource import Command, Resource
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, Model
from coop_review_api.http.context import Context, context_of
from coop_review_api.kernel.principal import Principal
from coop_review_api.people import user
from coop_review_api.people.administration import administration_of, check_administered
from coop_runtime.database.engine import transaction

_P = Permission
_reads_roles = requires(_P.MANAGE_ROLES, _P.MANAGE_USERS)
Reader = Annotated[Principal, Depends(_reads_roles)]

router = APIRouter(prefix="/v1", tags=["roles"])

GROUPS: tuple[tuple[str, tuple[tuple[Permission, str, str], ...]], ...] = (
    (
        "Organization Management",
        (
            (_P.MANAGE_ORG, "Manage Organization Settings", "Settings, types, actions, keys."),
            (_P.MANAGE_USERS, "Manage Users", "Invite, approve, change and remove people."),
            (_P.MANAGE_ROLES, "Manage Roles", "Say what each role may do."),
        ),
    ),
    (
        "Rules Management",
        (
            (_P.MUTATE_NON_LIVE_RULES, "Create Draft Rules", "Write rules that do not act yet."),
            (_P.MUTATE_LIVE_RULES, "Create Live Rules", "Turn rules on, and change live ones."),
            (_P.RUN_BACKTEST, "Run Backtests", "Try a rule on past items."),
            (_P.RUN_RETROACTION, "Run Retroaction", "Let a rule act on past items."),
            (_P.VIEW_INSIGHTS, "View Rules Metrics", "See what rules did."),
            (_P.VIEW_RULES_DASHBOARD, "View Rules Dashboard", "Read the rules."),
            (_P.MANAGE_POLICIES, "Manage Policies", "Write policies."),
        ),
    ),
    (
        "Manual Review",
        (
            (_P.VIEW_MRT, "View Manual Review Tool", "Claim and decide jobs."),
            (_P.VIEW_MRT_DATA, "View Manual Review Metrics", "See decisions and counts."),
            (_P.EDIT_MRT_QUEUES, "Manage Queues And Routing", "Make queues, see all of them."),
            (_P.MANAGE_ROUTING_RULES, "Manage Routing Rules", "Say what goes to which queue."),
            (_P.MANUALLY_ACTION_CONTENT, "Manually Action Content", "Act without a job."),
            (_P.VIEW_CHILD_SAFETY_DATA, "View Child Safety Content", "Every view is recorded."),
        ),
    ),
    (
        "Investigation",
        ((_P.VIEW_INVESTIGATION, "View Investigation Tool", "Look items and users up."),),
    ),
)
"""Every permission once, as people know it (Coop's groups and labels)."""


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


class Roles(Resource[RoleBody, RoleDefinition]):
    kind, path, noun, plural = Kind.ROLE, "roles", "Role", "Roles"
    document, body, view = RoleDefinition, RoleBody, RoleView
    read, write = _reads_roles, requires(_P.MANAGE_ROLES)

    async def build(self, command: Command[RoleBody, RoleDefinition]) -> RoleDefinition:
        return RoleDefinition(
            id=command.document_id,
            name=command.body.name,
            description=command.body.description,
            permissions=tuple(command.body.permissions),
        )

    def implied(self) -> Mapping[str, RoleDefinition]:
        return role.DEFAULTS

    async def guard(
        self,
        configuration: LockedConfiguration,
        principal: Principal,
        *,
        before: RoleDefinition | None,
        after: RoleDefinition | None,
    ) -> None:
        administration = await administration_of(configuration, principal, _P.MANAGE_ROLES)
        changed = after or before
        default = role.DEFAULTS.get(changed.id) if changed else None
        for one in (before or default, after or default):
            administration.check_covers(one.permissions if one else ())
        if after is None and before is not None and default is None:
            await administration.check_unused(before.id)

    async def saved(
        self,
        configuration: LockedConfiguration,
        *,
        before: RoleDefinition | None,  # noqa: ARG002
        after: RoleDefinition | None,  # noqa: ARG002
    ) -> None:
        """Somebody must still be able to administer the organisation."""
        await check_administered(configuration)

    async def listed(
        self, connection: AsyncConnection, org_id: str, documents: Sequence[RoleDefinition]
    ) -> dict[str, dict[str, Any]]:
        counts = await user.counts_by_role(connection, org_id)
        return {one.id: {"userCount": counts.get(one.id, 0)} for one in documents}

    def present(
        self,
        context: Context,  # noqa: ARG002
        principal: Principal,  # noqa: ARG002
        document: RoleDefinition,
        fields: dict[str, Any],
    ) -> dict[str, Any]:
        default = role.DEFAULTS.get(document.id)
        same = default is not None and set(default.permissions) == set(document.permissions)
        return {**fields, "isDefault": default is not None, "usesDefaultPermissions": same}


@router.get("/permissions", operation_id="listPermissions", response_model=PermissionGroups)
async def list_permissions(principal: Reader) -> PermissionGroups:  # noqa: ARG001 - the gate
    """Every permission, as people know it."""
    return PermissionGroups(groups=_groups())


@router.get("/permission-matrix", operation_id="getPermissionMatrix", response_model=MatrixView)
async def get_permission_matrix(request: Request, principal: Reader) -> MatrixView:
    """Which role holds what, and how many have it."""
    async with transaction(context_of(request).engine) as connection:
        roles = await role.definitions(connection, principal.org_id)
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
