"""Forgotten passwords: anybody may ask, the owner of the mailbox may choose.

    POST /v1/password-resets        {email, organisation?}  always 202 (nobody signed in)
    POST /v1/password-resets/use    {token, password}   204        (nobody signed in)

Guarantees: the answer is the same, whether or not an address has an account.
Must not: show a link; it is in the mail only. Decide anything; `forgotten_password` does.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from coop_review_api.http.authentication import public
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.client import client_ip
from coop_review_api.http.context import context_of
from coop_review_api.people import forgotten_password
from coop_review_api.people.password import MAX_LENGTH
from coop_review_api.people.session_route import OrganisationName

router = APIRouter(prefix="/v1", tags=["session"])


class ResetRequestBody(Body):
    """Whose password was forgotten; without `organisation` in each that the address has an account
    in."""

    email: Annotated[str, Field(min_length=3, max_length=254)]
    organisation: OrganisationName | None = None


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
    await forgotten_password.ask(
        context,
        body.email,
        organisation=body.organisation,
        ip=client_ip(request, context.settings),
    )
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
    ip = client_ip(request, context.settings)
    await forgotten_password.choose(context, body.token, body.password, ip=ip)
    return Response(status_code=204)
