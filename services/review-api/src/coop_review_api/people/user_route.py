"""Accounts of the organisation, as its administrators see them.

    GET    /v1/users                       list (?status= ?role= ?search= ?createdBy=)
    POST   /v1/users                       with a password, good until its owner chooses another
    GET    /v1/users/{id}
    PATCH  /v1/users/{id}                  role, mark for emergencies
    POST   /v1/users/{id}/approve | reject | disable | enable
    DELETE /v1/users/{id}                  remove

Queues, sessions and lost credentials of an account: `people.user_access_route`.

Guarantees: each change runs under the organisation's lock (`administration`).
Must not: let a body say whose organisation it is, or grant what the caller lacks.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, Field

from coop_contracts.permission import Permission
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.kernel.email_address import check_email, normalize_email
from coop_review_api.kernel.error import Conflict, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.notification.notice import Notice
from coop_review_api.people import user
from coop_review_api.people.administering import administering, tell_person
from coop_review_api.people.administration import AccountChange
from coop_review_api.people.password import MAX_LENGTH, Passwords, check_password
from coop_review_api.people.user import Status, User
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["users"])

_manages_users = requires(Permission.MANAGE_USERS)
Manager = Annotated[Principal, Depends(_manages_users)]
RoleId = Annotated[str, Field(min_length=1, max_length=100)]


class UserBody(Body):
    """A new account."""

    email: Annotated[str, Field(min_length=3, max_length=254)]
    name: Annotated[str, Field(max_length=255)] = ""
    role: RoleId
    password: Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)]


class UserChange(Body):
    """What to change; what is left out stays. `isBreakGlass`: may sign in by password where single
    sign-on is required; to say so needs MANAGE_ORG."""

    role: RoleId | None = None
    is_break_glass: bool | None = None


class UserView(Model):
    """`createdBy`: who made or invited the account."""

    id: str
    email: str
    name: str
    role: str
    status: Status
    created_at: AwareDatetime
    created_by: str | None
    created_by_person: PersonBeside = None
    last_login_at: AwareDatetime | None
    is_break_glass: bool
    has_password: bool
    has_second_factor: bool


class UserPage(Model):
    items: list[UserView]
    next_cursor: str | None = None


_user_body, _change_body = JsonBody(UserBody), JsonBody(UserChange)


@router.get("/users", operation_id="listUsers", response_model=UserPage)
async def list_users(
    request: Request,
    principal: Manager,
    limit: Limit = 50,
    cursor: Cursor = None,
    status: Annotated[Status | None, Query()] = None,
    role: Annotated[str | None, Query(max_length=100)] = None,
    search: Annotated[str | None, Query(max_length=254, description="In name or address.")] = None,
    created_by: Annotated[str | None, Query(alias="createdBy", max_length=100)] = None,
) -> UserPage:
    """The accounts, oldest first; removed ones only by `status=REMOVED`."""
    async with transaction(context_of(request).engine) as connection:
        found = await user.page(
            connection,
            principal.org_id,
            after=decode_cursor(cursor),
            limit=limit + 1,
            status=status,
            role=role,
            search=search,
            created_by=created_by,
        )
    users, next_cursor = cut(found, limit, lambda one: one.user_id)
    return UserPage(items=[view_of(one) for one in users], next_cursor=next_cursor)


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
    """Make an account with a password that somebody is told."""
    context = context_of(request)
    email = normalize_email(body.email)
    faults = check_email(email) + check_password(body.password, email=email, known=[body.name])
    if faults:
        raise Invalid(faults)
    password_hash = await context.part(Passwords).hash(body.password)
    async with administering(context, principal) as administration:
        await administration.check_grant(body.role)
        made = await user.create(
            administration.connection,
            org_id=principal.org_id,
            email=email,
            name=body.name,
            role=body.role,
            password_hash=password_hash,
            author=principal.user_id,
            now=administration.now,
        )
        made = await user.attribute(
            administration.connection, made, principal.user_id, knows_password=True
        )
    return view_of(made)


@router.get("/users/{user_id}", operation_id="getUser", response_model=UserView)
async def get_user(request: Request, principal: Manager, user_id: str) -> UserView:
    """One account."""
    async with transaction(context_of(request).engine) as connection:
        return view_of(await user.get(connection, principal.org_id, user_id))


@router.patch(
    "/users/{user_id}",
    operation_id="changeUser",
    response_model=UserView,
    openapi_extra=_change_body.openapi(),
)
async def change_user(
    request: Request,
    principal: Manager,
    user_id: str,
    body: Annotated[UserChange, Depends(_change_body)],
) -> UserView:
    """Change the role, or the mark for emergencies. It acts on their next request."""
    change = AccountChange(role=body.role, is_break_glass=body.is_break_glass)
    async with administering(context_of(request), principal) as administration:
        return view_of(await administration.change(user_id, change))


@router.post("/users/{user_id}/approve", operation_id="approveUser", response_model=UserView)
async def approve_user(request: Request, principal: Manager, user_id: str) -> UserView:
    """Let somebody in who waits for approval, or was rejected."""
    return await _become(request, principal, user_id, "ACTIVE", {"PENDING", "REJECTED"})


@router.post("/users/{user_id}/reject", operation_id="rejectUser", response_model=UserView)
async def reject_user(request: Request, principal: Manager, user_id: str) -> UserView:
    """Do not let in somebody who waits for approval."""
    return await _become(request, principal, user_id, "REJECTED", {"PENDING"})


@router.post("/users/{user_id}/disable", operation_id="disableUser", response_model=UserView)
async def disable_user(request: Request, principal: Manager, user_id: str) -> UserView:
    """Shut somebody out. Their sessions end at once."""
    not_oneself(principal, user_id)
    return await _become(request, principal, user_id, "DISABLED", {"ACTIVE"})


@router.post("/users/{user_id}/enable", operation_id="enableUser", response_model=UserView)
async def enable_user(request: Request, principal: Manager, user_id: str) -> UserView:
    """Let somebody in again who was shut out."""
    return await _become(request, principal, user_id, "ACTIVE", {"DISABLED"})


@router.delete("/users/{user_id}", operation_id="removeUser", status_code=204)
async def remove_user(request: Request, principal: Manager, user_id: str) -> Response:
    """The end of an account: sessions end, the address is free; history keeps id and name."""
    not_oneself(principal, user_id)
    context = context_of(request)
    async with administering(context, principal) as administration:
        await administration.reach(user_id)
        await tell_person(context, administration, principal, user_id, Notice.REMOVED)
        await administration.remove(user_id)
    return Response(status_code=204)


async def _become(
    request: Request, principal: Principal, user_id: str, status: Status, only_from: set[Status]
) -> UserView:
    context = context_of(request)
    async with administering(context, principal) as administration:
        before, after = await administration.become(user_id, status, only_from=only_from)
        if before.status != "DISABLED" and status == "ACTIVE":
            await tell_person(context, administration, principal, user_id, Notice.APPROVED)
        return view_of(after)


def not_oneself(principal: Principal, user_id: str) -> None:
    """Raises `Conflict`: for one's own account there is `/v1/me`, which asks for the password."""
    if user_id == principal.user_id:
        raise Conflict("not your own account here: see /v1/me, or ask somebody else")


def view_of(one: User) -> UserView:
    """The account as it is shown."""
    return UserView(
        id=one.user_id,
        email=one.email,
        name=one.name,
        role=one.role,
        status=one.status,
        created_at=one.created_at,
        created_by=one.created_by,
        last_login_at=one.last_login_at,
        is_break_glass=one.is_break_glass,
        has_password=one.has_password,
        has_second_factor=one.has_second_factor,
    )
