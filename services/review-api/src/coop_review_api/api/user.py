"""Accounts of the organisation.

Must not: let a body say whose organisation it is, or grant what the caller lacks.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, Field

from coop_contracts.permission import Permission, Role
from coop_review_api import user
from coop_review_api.api.authentication import requires
from coop_review_api.api.body import Body, JsonBody, Model
from coop_review_api.api.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.api.resource import context_of
from coop_review_api.error import Invalid
from coop_review_api.password import MAX_LENGTH, check_password
from coop_review_api.session import Principal
from coop_review_api.user import User
from coop_runtime.database import transaction

router = APIRouter(prefix="/v1", tags=["users"])

_manages_users = requires(Permission.MANAGE_USERS)
Manager = Annotated[Principal, Depends(_manages_users)]


class UserBody(Body):
    """A new account."""

    email: Annotated[str, Field(min_length=3, max_length=254)]
    name: Annotated[str, Field(max_length=255)] = ""
    role: Role
    password: Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)]


class UserView(Model):
    id: str
    email: str
    name: str
    role: Role
    status: str
    created_at: AwareDatetime


class UserPage(Model):
    items: list[UserView]
    next_cursor: str | None = None


_user_body = JsonBody(UserBody)


@router.get("/users", operation_id="listUsers", response_model=UserPage)
async def list_users(
    request: Request, principal: Manager, limit: Limit = 50, cursor: Cursor = None
) -> UserPage:
    """The accounts, oldest first."""
    async with transaction(context_of(request).engine) as connection:
        found = await user.page(
            connection, principal.org_id, after=decode_cursor(cursor), limit=limit + 1
        )
    users, next_cursor = cut(found, limit, lambda one: one.user_id)
    return UserPage(items=[_view_of(one) for one in users], next_cursor=next_cursor)


@router.post(
    "/users",
    operation_id="createUser",
    response_model=UserView,
    status_code=201,
    openapi_extra=_user_body.openapi(),
)
async def create_user(
    request: Request, principal: Manager, body: Annotated[UserBody, Depends(_user_body)]
) -> UserView:
    """Make an account with a password."""
    context = context_of(request)
    email = user.normalize_email(body.email)
    faults = user.check_email(email) + check_password(body.password, email=email)
    if faults:
        raise Invalid(faults)
    user.check_grant(body.role, principal.permissions)
    password_hash = await context.passwords.hash(body.password)
    async with transaction(context.engine) as connection:
        made = await user.create(
            connection,
            org_id=principal.org_id,
            email=email,
            name=body.name,
            role=body.role,
            password_hash=password_hash,
            author=principal.user_id,
            now=context.clock(),
        )
    return _view_of(made)


@router.get("/users/{user_id}", operation_id="getUser", response_model=UserView)
async def get_user(request: Request, principal: Manager, user_id: str) -> UserView:
    """One account."""
    async with transaction(context_of(request).engine) as connection:
        return _view_of(await user.get(connection, principal.org_id, user_id))


def _view_of(one: User) -> UserView:
    return UserView(
        id=one.user_id,
        email=one.email,
        name=one.name,
        role=one.role,
        status=one.status,
        created_at=one.created_at,
    )
