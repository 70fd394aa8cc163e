"""Forgotten passwords: anybody may ask, the owner of the mailbox may choose.

    POST /v1/password-resets        {email}             always 202 (nobody signed in)
    POST /v1/password-resets/use    {token, password}   204        (nobody signed in)

Guarantees: neither the answer nor its time tells whether an address has an account; a link is good
once and for an hour; using it ends every session. A second factor stays.
Must not: show a link; it is in the mail only.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from sqlalchemy import select

from coop_contracts.config import Kind
from coop_review_api.configuration.relation import CURRENT
from coop_review_api.directory.table import users
from coop_review_api.http.authentication import public
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import Context, context_of
from coop_review_api.kernel import audit
from coop_review_api.kernel.email_address import normalize_email
from coop_review_api.kernel.error import Invalid, NotFound
from coop_review_api.notification import letter, notice
from coop_review_api.notification.notice import Notice
from coop_review_api.people import reset, throttle
from coop_review_api.people.credential import organisation_name
from coop_review_api.people.link import link_of
from coop_review_api.people.password import MAX_LENGTH, Passwords, check_password
from coop_review_api.people.session_route import client_ip
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["session"])

_ANSWER_AFTER = 0.3  # seconds: well above what the work takes, so that its amount does not show
_AGAIN_AFTER = timedelta(minutes=5)


class ResetRequestBody(Body):
    """Whose password was forgotten."""

    email: Annotated[str, Field(min_length=3, max_length=254)]


class ResetBody(Body):
    """The token of a link, and the new password."""

    token: Annotated[str, Field(min_length=1, max_length=100)]
    password: Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)]


class RequestedView(Model):
    """The same, whether or not the address has an account."""

    detail: str


_request_body, _reset_body = JsonBody(ResetRequestBody), JsonBody(ResetBody)


@router.post(
    "/password-resets",
    operation_id="requestPasswordReset",
    response_model=RequestedView,
    status_code=202,
    dependencies=[Depends(public)],
    openapi_extra=_request_body.openapi(),
)
async def request_password_reset(
    request: Request, body: Annotated[ResetRequestBody, Depends(_request_body)]
) -> RequestedView:
    """Ask for a link by mail. An account gets one every five minutes at most."""
    context = context_of(request)
    answer_at = time.monotonic() + _ANSWER_AFTER
    email = normalize_email(body.email)
    counters = throttle.of_reset(email, client_ip(request, context.settings))
    now = context.clock()
    async with transaction(context.engine) as connection:
        await throttle.take(connection, counters, now=now)
    await _mail(context, email)
    await asyncio.sleep(max(0.0, answer_at - time.monotonic()))
    return RequestedView(detail="if there is such an account, a mail is on its way to it")


@router.post(
    "/password-resets/use",
    operation_id="resetPassword",
    status_code=204,
    dependencies=[Depends(public)],
    openapi_extra=_reset_body.openapi(),
)
async def reset_password(
    request: Request, body: Annotated[ResetBody, Depends(_reset_body)]
) -> Response:
    """Choose a new password; then sign in. 404 for a link that is good for nothing."""
    context = context_of(request)
    counters = throttle.of_token(client_ip(request, context.settings))
    now = context.clock()
    async with transaction(context.engine) as connection:
        await throttle.check(connection, counters, now=now)
        account = await reset.account_of(connection, body.token, now=now)
        if account is None:
            await throttle.failed(connection, counters, now=now)
        organisation = await organisation_name(connection, account.org_id if account else "")
    if account is None:
        raise _nothing()
    faults = check_password(body.password, email=account.email, known=[account.name, organisation])
    if faults:
        raise Invalid(faults)
    hashed = await context.part(Passwords).hash(body.password)
    async with transaction(context.engine) as connection:
        if not await reset.use(connection, body.token, now=context.clock()):
            raise _nothing()
        await reset.set_password(connection, account.user_id, hashed, keep_session=None)
        await audit.record(
            connection,
            org_id=account.org_id,
            actor=account.user_id,
            action="password.reset",
            target=("user", account.user_id),
            time=context.clock(),
        )
        await notice.tell(
            connection,
            context.settings,
            Notice.PASSWORD_RESET,
            user_id=account.user_id,
            now=context.clock(),
        )
    return Response(status_code=204)


async def _mail(context: Context, email: str) -> None:
    """Queue the mail, if there is an account that signs in here, and a mail server."""
    now = context.clock()
    async with transaction(context.engine) as connection:
        account = (
            await connection.execute(
                select(
                    users.c.user_id,
                    users.c.org_id,
                    users.c.is_break_glass,
                    CURRENT.of.c.document["name"].astext.label("organisation"),
                    CURRENT.of.c.document["requiresSingleSignOn"].label("elsewhere"),
                )
                .outerjoin(
                    CURRENT.of,
                    (CURRENT.of.c.org_id == users.c.org_id) & (CURRENT.of.c.kind == Kind.SETTINGS),
                )
                .where(users.c.email == email, users.c.status == "ACTIVE")
            )
        ).one_or_none()
        if account is None or context.settings.mail_server is None:
            return
        if account.elsewhere and not account.is_break_glass:
            return
        made_at = await reset.made_at(connection, account.user_id)
        if made_at is not None and made_at > now - _AGAIN_AFTER:
            return
        made = await reset.create(connection, account.user_id, now=now)
        await letter.queue(
            connection,
            context.vault,
            letter.password_reset(expires_at=made.expires_at),
            letter.Envelope(
                org_id=account.org_id,
                organisation=account.organisation or "",
                recipient=email,
                cause_id=f"reset/{account.user_id}/{now.isoformat()}",
                link=link_of(context.settings, "reset", made.token),
                at=now,
            ),
        )
        await audit.record(
            connection,
            org_id=account.org_id,
            actor="unknown",
            action="password.reset-requested",
            target=("user", account.user_id),
            time=now,
        )


def _nothing() -> NotFound:
    return NotFound("this link is good for nothing (any more): ask for another one")
