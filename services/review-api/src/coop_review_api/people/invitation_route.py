"""Invitations, and what anybody does with the token of one.

    GET, POST  /v1/invitations               list, invite
    POST       /v1/invitations/{id}/resend   DELETE /v1/invitations/{id}: revoke
    POST       /v1/invitations/look          what a token is good for           (nobody signed in)
    POST       /v1/invitations/accept        name and password: an account      (nobody signed in)

Guarantees: the link is in the invited person's mail; in the answer, and in that one alone, where
there is no mail server; tokens travel in bodies only, never in an address.
Must not: take address, role, organisation or state from the invited person.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, Field

from coop_contracts.permission import Permission
from coop_review_api.http.authentication import public, requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.client import client_ip
from coop_review_api.http.context import context_of
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.kernel.principal import Principal
from coop_review_api.people import invitation, inviting
from coop_review_api.people.administering import administering
from coop_review_api.people.invitation import Invitation, InvitationState
from coop_review_api.people.inviting import SentInvitation
from coop_review_api.people.password import MAX_LENGTH
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["invitations"])

_manages_users = requires(Permission.MANAGE_USERS)
Manager = Annotated[Principal, Depends(_manages_users)]
Token = Annotated[str, Field(min_length=1, max_length=100)]


class InvitationBody(Body):
    """Who is invited to what. With `requiresApproval` their account waits for somebody's word."""

    email: Annotated[str, Field(min_length=3, max_length=254)]
    role: Annotated[str, Field(min_length=1, max_length=100)]
    requires_approval: bool = False


class LookBody(Body):
    """The token of a link."""

    token: Token


class AcceptBody(Body):
    """The token of a link, and what the invited person chooses. A password is needed unless the
    organisation requires single sign-on."""

    token: Token
    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"\S")]
    password: Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)] | None = None


class InvitationView(Model):
    id: str
    email: str
    role: str
    requires_approval: bool
    state: InvitationState
    created_by: str
    created_by_person: PersonBeside = None
    created_at: AwareDatetime
    sent_at: AwareDatetime
    sent_by: str
    sent_by_person: PersonBeside = None
    expires_at: AwareDatetime


class SentView(InvitationView):
    """`mailed`: the link is on its way to the address, and to nobody else. Else `link` is shown
    this once."""

    link: str | None
    mailed: bool


class InvitationPage(Model):
    items: list[InvitationView]
    next_cursor: str | None = None


class LookView(Model):
    """What a token is good for."""

    email: str
    organisation: str
    needs_password: bool
    expires_at: AwareDatetime


class AcceptedView(Model):
    """`status` PENDING: somebody has to approve the account first."""

    email: str
    status: str


_invitation_body, _look_body = JsonBody(InvitationBody), JsonBody(LookBody)
_accept_body = JsonBody(AcceptBody)


@router.get("/invitations", operation_id="listInvitations", response_model=InvitationPage)
async def list_invitations(
    request: Request, principal: Manager, limit: Limit = 50, cursor: Cursor = None
) -> InvitationPage:
    """Every invitation, oldest first."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        found = await invitation.page(
            connection,
            principal.org_id,
            after=decode_cursor(cursor),
            limit=limit + 1,
            now=context.clock(),
        )
    shown, next_cursor = cut(found, limit, lambda one: one.invitation_id)
    return InvitationPage(items=[_view_of(one) for one in shown], next_cursor=next_cursor)


@router.post(
    "/invitations",
    operation_id="createInvitation",
    response_model=SentView,
    status_code=201,
    openapi_extra=_invitation_body.openapi(),
)
async def create_invitation(
    request: Request,
    principal: Manager,
    body: Annotated[InvitationBody, Depends(_invitation_body)],
) -> SentView:
    """Invite somebody, for seven days."""
    sent = await inviting.invite(
        context_of(request),
        principal,
        email=body.email,
        role=body.role,
        requires_approval=body.requires_approval,
    )
    return _sent_view(sent)


@router.post(
    "/invitations/{invitation_id}/resend",
    operation_id="resendInvitation",
    response_model=SentView,
)
async def resend_invitation(request: Request, principal: Manager, invitation_id: str) -> SentView:
    """A new link, for seven more days; the one before is good for nothing."""
    return _sent_view(await inviting.resend(context_of(request), principal, invitation_id))


@router.delete(
    "/invitations/{invitation_id}",
    operation_id="revokeInvitation",
    response_model=InvitationView,
)
async def revoke_invitation(
    request: Request, principal: Manager, invitation_id: str
) -> InvitationView:
    """The link is good for nothing from now on."""
    async with administering(context_of(request), principal) as administration:
        revoked = await invitation.revoke(
            administration.connection, principal.org_id, invitation_id, now=administration.now
        )
        await administration.record("invitation.revoked", invitation_id, kind="invitation")
    return _view_of(revoked)


@router.post(
    "/invitations/look",
    operation_id="lookAtInvitation",
    response_model=LookView,
    dependencies=[Depends(public)],
    openapi_extra=_look_body.openapi(),
)
async def look_at_invitation(
    request: Request, body: Annotated[LookBody, Depends(_look_body)]
) -> LookView:
    """Whom a link invites, and to what. 404 for one that is good for nothing."""
    context = context_of(request)
    ip = client_ip(request, context.settings)
    found, settings = await inviting.inspect(context, body.token, ip=ip)
    return LookView(
        email=found.email,
        organisation=settings.name,
        needs_password=not settings.requires_single_sign_on,
        expires_at=found.expires_at,
    )


@router.post(
    "/invitations/accept",
    operation_id="acceptInvitation",
    response_model=AcceptedView,
    status_code=201,
    dependencies=[Depends(public)],
    openapi_extra=_accept_body.openapi(),
)
async def accept_invitation(
    request: Request, body: Annotated[AcceptBody, Depends(_accept_body)]
) -> AcceptedView:
    """Make the account that a link is good for; then sign in. 404 for one good for nothing."""
    context = context_of(request)
    made = await inviting.accept(
        context,
        body.token,
        name=body.name,
        password=body.password,
        ip=client_ip(request, context.settings),
    )
    return AcceptedView(email=made.email, status=made.status)


def _sent_view(sent: SentInvitation) -> SentView:
    shown = _view_of(sent.invitation).model_dump()
    return SentView(**shown, link=sent.link, mailed=sent.mailed)


def _view_of(one: Invitation) -> InvitationView:
    return InvitationView(
        id=one.invitation_id,
        email=one.email,
        role=one.role,
        requires_approval=one.requires_approval,
        state=one.state,
        created_by=one.created_by,
        created_at=one.created_at,
        sent_at=one.sent_at,
        sent_by=one.sent_by,
        expires_at=one.expires_at,
    )
