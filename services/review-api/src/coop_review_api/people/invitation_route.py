"""Invitations, and what anybody does with the token of one.

    GET, POST  /v1/invitations               list, invite
    POST       /v1/invitations/{id}/resend   DELETE /v1/invitations/{id}: revoke
    POST       /v1/invitations/look          what a token is good for           (nobody signed in)
    POST       /v1/invitations/accept        name and password: an account      (nobody signed in)

Guarantees: the link is in exactly one answer, and in a mail where there is a mail server; tokens
travel in bodies only, never in an address; tokens that are good for nothing look alike and are
counted.
Must not: take address, role, organisation or state from the invited person.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, Field

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.permission import Permission
from coop_review_api.configuration import role_permission as role
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import lock, read
from coop_review_api.http.authentication import public, requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import Context, context_of
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.kernel.email_address import check_email, normalize_email
from coop_review_api.kernel.error import Conflict, Fault, Invalid, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.notification import letter
from coop_review_api.people import invitation, throttle
from coop_review_api.people.administering import administering
from coop_review_api.people.administration import Administration
from coop_review_api.people.invitation import Invitation, Sent, State
from coop_review_api.people.link import link_of
from coop_review_api.people.password import MAX_LENGTH, Passwords, check_password
from coop_review_api.people.session_route import client_ip
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
    state: State
    created_by: str
    created_at: AwareDatetime
    sent_at: AwareDatetime
    expires_at: AwareDatetime


class SentView(InvitationView):
    """`link` is shown this once; `mailed`: it is also on its way to the address."""

    link: str
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
    email = normalize_email(body.email)
    faults = check_email(email)
    if faults:
        raise Invalid(faults)
    async with administering(context_of(request), principal) as administration:
        await administration.check_grant(body.role)
        sent = await invitation.create(
            administration.connection,
            org_id=principal.org_id,
            email=email,
            role=body.role,
            requires_approval=body.requires_approval,
            author=principal.user_id,
            now=administration.now,
        )
        return await _send(context_of(request), administration, principal, sent, "created")


@router.post(
    "/invitations/{invitation_id}/resend",
    operation_id="resendInvitation",
    response_model=SentView,
)
async def resend_invitation(request: Request, principal: Manager, invitation_id: str) -> SentView:
    """A new link, for seven more days; the one before is good for nothing."""
    async with administering(context_of(request), principal) as administration:
        sent = await invitation.resend(
            administration.connection, principal.org_id, invitation_id, now=administration.now
        )
        await administration.check_grant(sent.invitation.role)
        return await _send(context_of(request), administration, principal, sent, "resent")


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
    found, settings = await _open(request, body.token)
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
    found, settings = await _open(request, body.token)
    password_hash = None
    if body.password is not None:
        known = [body.name, settings.name]
        faults = check_password(body.password, email=found.email, known=known)
        if faults:
            raise Invalid(faults)
        password_hash = await context.part(Passwords).hash(body.password)
    elif not settings.requires_single_sign_on:
        raise Invalid([Fault("/password", "choose one")])
    try:
        async with transaction(context.engine) as connection:
            await lock(connection, found.org_id, author="invitation", clock=context.clock)
            made = await invitation.accept(
                connection,
                body.token,
                name=body.name,
                password_hash=password_hash,
                now=context.clock(),
            )
    except Conflict:
        made = None  # the address has an account elsewhere: nobody is told
    if made is None:
        raise _nothing()
    return AcceptedView(email=made.email, status=made.status)


async def _open(request: Request, token: str) -> tuple[Invitation, OrgSettings]:
    context = context_of(request)
    counters = throttle.of_token(client_ip(request, context.settings))
    now = context.clock()
    async with transaction(context.engine) as connection:
        await throttle.check(connection, counters, now=now)
        found = await invitation.of_token(connection, token, now=now)
        if found is not None:
            entry = await read(connection, found.org_id, Kind.SETTINGS, OrgSettings, SETTINGS_ID)
            return found, entry.document if entry else OrgSettings(id=SETTINGS_ID, name="")
        await throttle.failed(connection, counters, now=now)
    raise _nothing()


def _nothing() -> NotFound:
    return NotFound("this link is good for nothing (any more): ask for another one")


async def _send(
    context: Context,
    administration: Administration,
    principal: Principal,
    sent: Sent,
    done: str,
) -> SentView:
    """Record it, and queue the mail where there is a mail server."""
    connection, found = administration.connection, sent.invitation
    link = link_of(context.settings, "signup", sent.token)
    mailed = context.settings.mail_server is not None
    if mailed:
        entry = await read(connection, found.org_id, Kind.SETTINGS, OrgSettings, SETTINGS_ID)
        organisation = entry.document.name if entry else ""
        roles = await role.definitions(connection, found.org_id)
        await letter.queue(
            connection,
            context.vault,
            letter.invitation(
                organisation=organisation,
                inviter=principal.name or principal.email,
                role=roles[found.role].name,
                expires_at=found.expires_at,
            ),
            letter.Envelope(
                org_id=found.org_id,
                organisation=organisation,
                recipient=found.email,
                cause_id=f"invitation/{found.invitation_id}/{found.sent_at.isoformat()}",
                link=link,
                at=administration.now,
            ),
        )
    await administration.record(
        f"invitation.{done}",
        found.invitation_id,
        {"role": found.role, "mailed": mailed},
        kind="invitation",
    )
    return SentView(**_view_of(found).model_dump(), link=link, mailed=mailed)


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
        expires_at=one.expires_at,
    )
