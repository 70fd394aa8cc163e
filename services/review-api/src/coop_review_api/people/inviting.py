"""Inviting somebody, and what anybody does with the token of an invitation.

    invite, resend ─▶ token ─▶ a letter; where there is no mail server, the link, shown once
    inspect, accept ─▶ counted ─▶ token good? ─▶ what it is good for │ an account

Guarantees: nobody invites to a role that holds more than they do; tokens that are good for nothing
look alike, and are counted; what an invitation says is not the invited person's to change.
Must not: hold a database connection while a password is hashed.
"""

from __future__ import annotations

from dataclasses import dataclass

from coop_contracts.config import OrgSettings
from coop_review_api.configuration import role_permission
from coop_review_api.configuration.log import lock
from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.http.context import Context
from coop_review_api.kernel.email_address import check_email, normalize_email
from coop_review_api.kernel.error import Conflict, Fault, Invalid, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.notification import letter
from coop_review_api.notification import notice as notices
from coop_review_api.notification.notice import Notice
from coop_review_api.people import entrusted, invitation, throttle
from coop_review_api.people.administering import administering
from coop_review_api.people.administration import Administration
from coop_review_api.people.invitation import Invitation, IssuedInvitation
from coop_review_api.people.link import link_of
from coop_review_api.people.password import Passwords, check_password
from coop_review_api.people.user import User
from coop_runtime.database.engine import transaction


@dataclass(frozen=True, kw_only=True)
class SentInvitation:
    """`link` is shown this once, and None where it is on its way to the address (`mailed`): whoever
    has it can be the invited person."""

    invitation: Invitation
    link: str | None
    mailed: bool


async def invite(
    context: Context, principal: Principal, *, email: str, role: str, requires_approval: bool
) -> SentInvitation:
    """Invite somebody. Raises `Invalid`, `Forbidden`, `Conflict`."""
    email = normalize_email(email)
    faults = check_email(email)
    if faults:
        raise Invalid(faults)
    async with administering(context, principal) as administration:
        await administration.check_grant(role)
        issued = await invitation.create(
            administration.connection,
            org_id=principal.org_id,
            email=email,
            role=role,
            requires_approval=requires_approval,
            author=principal.user_id,
            now=administration.now,
        )
        return await _send(context, administration, principal, issued, "created")


async def resend(context: Context, principal: Principal, invitation_id: str) -> SentInvitation:
    """A new link in the place of the one before. Raises `NotFound`, `Forbidden`, `Conflict`."""
    async with administering(context, principal) as administration:
        issued = await invitation.resend(
            administration.connection,
            principal.org_id,
            invitation_id,
            author=principal.user_id,
            now=administration.now,
        )
        await administration.check_grant(issued.invitation.role)
        return await _send(context, administration, principal, issued, "resent")


async def inspect(context: Context, token: str, *, ip: str) -> tuple[Invitation, OrgSettings]:
    """What a token is good for, and what its organisation says of itself. Raises `NotFound`,
    `TooManyAttempts`."""
    counters = throttle.of_token(ip)
    now = context.clock()
    async with transaction(context.engine) as connection:
        await throttle.check(connection, counters, now=now)
        found = await invitation.of_token(connection, token, now=now)
        if found is not None:
            settings = await settings_of(connection, found.org_id)
            if settings.suspended_at is None:
                return found, settings
        await throttle.failed(connection, counters, now=now)
    raise _nothing()


async def accept(context: Context, token: str, *, name: str, password: str | None, ip: str) -> User:
    """The account that a token is good for, once. Raises `NotFound`, `Invalid`,
    `TooManyAttempts`."""
    found, settings = await inspect(context, token, ip=ip)
    password_hash = None
    if password is not None:
        faults = check_password(password, email=found.email, known=[name, settings.name])
        if faults:
            raise Invalid(faults)
        password_hash = await context.part(Passwords).hash(password)
    elif not settings.requires_single_sign_on:
        raise Invalid([Fault("/password", "choose one")])
    try:
        async with transaction(context.engine) as connection:
            configuration = await lock(
                connection, found.org_id, author="invitation", clock=context.clock
            )
            await entrusted.withdraw(configuration)
            made = await invitation.accept(
                connection, token, name=name, password_hash=password_hash, now=context.clock()
            )
            if made is not None:
                await notices.tell(
                    connection,
                    context.settings,
                    Notice.ACCOUNT_MADE,
                    user_id=made.user_id,
                    now=context.clock(),
                )
    except (Conflict, Invalid):
        made = None  # since the invitation the address has got an account, or its domain an owner
    if made is None:
        raise _nothing()
    return made


async def _send(
    context: Context,
    administration: Administration,
    principal: Principal,
    issued: IssuedInvitation,
    done: str,
) -> SentInvitation:
    """Record it, and queue the letter where there is a mail server."""
    connection, found = administration.connection, issued.invitation
    link = link_of(context.settings, "signup", issued.token)
    mailed = context.settings.mail_server is not None
    if mailed:
        settings = await settings_of(connection, found.org_id)
        roles = await role_permission.definitions(connection, found.org_id)
        await letter.queue(
            connection,
            context.vault,
            letter.invitation(
                organisation=settings.name,
                inviter=principal.name or principal.email,
                role=roles[found.role].name,
                expires_at=found.expires_at,
            ),
            letter.Envelope(
                org_id=found.org_id,
                organisation=settings.name,
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
    return SentInvitation(invitation=found, link=None if mailed else link, mailed=mailed)


def _nothing() -> NotFound:
    return NotFound("this link is good for nothing (any more): ask for another one")
