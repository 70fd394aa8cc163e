"""What an account may reach and how it gets in, as its administrators see it.

    GET, PUT     /v1/users/{id}/queues          which queues name them as a reviewer
    GET, DELETE  /v1/users/{id}/sessions        where they are signed in; sign them out
    POST         /v1/users/{id}/reset-link      a link to set a password with
    DELETE       /v1/users/{id}/second-factor   a lost one

Guarantees: whoever holds more than the caller is out of their reach: a link or a missing second
factor would give it to them. A link goes to its owner by mail, and is shown only where there is no
mail server. Whose way in was changed is told by mail.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, Field

from coop_contracts.config import Kind, Queue
from coop_contracts.permission import Permission
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of
from coop_review_api.kernel.error import Conflict
from coop_review_api.kernel.principal import Principal
from coop_review_api.notification.notice import Notice
from coop_review_api.people import forgotten_password, session, user
from coop_review_api.people.administering import administering, tell_person
from coop_review_api.people.queue_assignment import assign
from coop_review_api.people.session import Method, Session
from coop_review_api.people.user_route import Manager, not_oneself
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["users"])

_edits_queues = requires(Permission.EDIT_MRT_QUEUES)
_reads_queues = requires(Permission.EDIT_MRT_QUEUES, Permission.MANAGE_USERS)
QueueEditor = Annotated[Principal, Depends(_edits_queues)]
QueueReader = Annotated[Principal, Depends(_reads_queues)]


class QueuesBody(Body):
    """The queues that are to name this person as a reviewer, all of them."""

    queue_ids: Annotated[list[str], Field(max_length=1000)]


class QueuesView(Model):
    queue_ids: list[str]


class SessionEntry(Model):
    """Somewhere that somebody is signed in; `lastSeenAt` is exact to a minute."""

    id: str
    ip: str
    user_agent: str
    method: Method
    created_at: AwareDatetime
    last_seen_at: AwareDatetime
    expires_at: AwareDatetime
    is_current: bool


class SessionList(Model):
    items: list[SessionEntry]


class EndedView(Model):
    """How many sessions ended."""

    ended: int


class ResetLinkView(Model):
    """Whoever has the link sets the password. `mailed`: it is on its way to the account's owner,
    and to nobody else. Else `link` is shown this once."""

    link: str | None
    mailed: bool
    expires_at: AwareDatetime


_queues_body = JsonBody(QueuesBody)


@router.get("/users/{user_id}/queues", operation_id="getUserQueues", response_model=QueuesView)
async def get_user_queues(request: Request, principal: QueueReader, user_id: str) -> QueuesView:
    """The queues that name this person. Others can be open to them too: by their role, or to
    everyone."""
    async with transaction(context_of(request).engine) as connection:
        await user.get(connection, principal.org_id, user_id)
        catalogue = await load_catalogue(connection, principal.org_id, [Kind.QUEUE])
    queues = catalogue.all(Kind.QUEUE, Queue).values()
    return QueuesView(queue_ids=[one.id for one in queues if user_id in one.reviewer_ids])


@router.put(
    "/users/{user_id}/queues",
    operation_id="replaceUserQueues",
    response_model=QueuesView,
    openapi_extra=_queues_body.openapi(),
)
async def replace_user_queues(
    request: Request,
    principal: QueueEditor,
    user_id: str,
    body: Annotated[QueuesBody, Depends(_queues_body)],
) -> QueuesView:
    """Name this person in these queues, and in no other."""
    context, needed = context_of(request), Permission.EDIT_MRT_QUEUES
    async with administering(context, principal, needed) as administration:
        await user.get(administration.connection, principal.org_id, user_id)
        await assign(administration.configuration, user_id, body.queue_ids)
    return QueuesView(queue_ids=sorted(set(body.queue_ids)))


@router.get(
    "/users/{user_id}/sessions", operation_id="listUserSessions", response_model=SessionList
)
async def list_user_sessions(request: Request, principal: Manager, user_id: str) -> SessionList:
    """Where this person is signed in, newest first."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        await user.get(connection, principal.org_id, user_id)
        found = await session.of_user(connection, principal.org_id, user_id, now=context.clock())
    return SessionList(items=[entry_of(one, principal) for one in found])


@router.delete(
    "/users/{user_id}/sessions", operation_id="endUserSessions", response_model=EndedView
)
async def end_user_sessions(request: Request, principal: Manager, user_id: str) -> EndedView:
    """Sign this person out everywhere."""
    async with administering(context_of(request), principal) as administration:
        return EndedView(ended=await administration.end_sessions(user_id))


@router.post(
    "/users/{user_id}/reset-link", operation_id="createResetLink", response_model=ResetLinkView
)
async def create_reset_link(request: Request, principal: Manager, user_id: str) -> ResetLinkView:
    """A link with which this person sets a password, good once and for an hour."""
    not_oneself(principal, user_id)
    context = context_of(request)
    async with administering(context, principal) as administration:
        found = await administration.reach_password(user_id)
        if found.status != "ACTIVE":
            raise Conflict(f"the account is {found.status}")
        made = await forgotten_password.make_for(context, administration, principal, found)
    return ResetLinkView(link=made.link, mailed=made.link is None, expires_at=made.expires_at)


@router.delete(
    "/users/{user_id}/second-factor", operation_id="resetUserSecondFactor", status_code=204
)
async def reset_user_second_factor(request: Request, principal: Manager, user_id: str) -> Response:
    """Take a lost second factor away. Its owner is signed out."""
    not_oneself(principal, user_id)
    context = context_of(request)
    async with administering(context, principal) as administration:
        await administration.reset_factor(user_id)
        await tell_person(context, administration, principal, user_id, Notice.FACTOR_RESET)
    return Response(status_code=204)


def entry_of(one: Session, principal: Principal) -> SessionEntry:
    """A session as it is shown."""
    return SessionEntry(
        id=one.session_id,
        ip=one.ip,
        user_agent=one.user_agent,
        method=one.method,
        created_at=one.created_at,
        last_seen_at=one.last_seen_at,
        expires_at=one.expires_at,
        is_current=one.session_id == principal.session_id,
    )
