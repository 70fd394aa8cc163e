"""One's own second factor.

    GET   /v1/me/second-factor                  is there one? how many recovery codes are left?
    POST  /v1/me/second-factor                  a secret to scan; not in force yet
    POST  /v1/me/second-factor/confirm          a code of it: in force; recovery codes, shown once
    POST  /v1/me/second-factor/recovery-codes   new ones in place of the old
    POST  /v1/me/second-factor/remove           409 where the organisation requires one

Guarantees: whoever must set one up may use these routes, and sign out.
Must not: decide anything; `own_factor` does.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from coop_review_api.http.authentication import enrolling
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of
from coop_review_api.kernel.principal import Principal
from coop_review_api.people import factor, own_factor
from coop_review_api.people.me_route import ShownPasswordBody
from coop_review_api.people.session_route import Code
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1/me/second-factor", tags=["me"])

Me = Annotated[Principal, Depends(enrolling)]


class SecondFactorConfirmBody(Body):
    """A code of the authenticator."""

    code: Code


class FactorView(Model):
    """`recoveryCodesLeft` of ten."""

    is_set_up: bool
    recovery_codes_left: int


class EnrolmentView(Model):
    """`uri` is what an authenticator scans, `secret` what is typed where it cannot: shown once."""

    secret: str
    uri: str


class RecoveryCodesView(Model):
    """Each is good once, in place of a code. Shown this once."""

    recovery_codes: list[str]


_shown_body, _confirm_body = JsonBody(ShownPasswordBody), JsonBody(SecondFactorConfirmBody)
Shown = Annotated[ShownPasswordBody, Depends(_shown_body)]


@router.get("", operation_id="getSecondFactor", response_model=FactorView)
async def get_second_factor(request: Request, principal: Me) -> FactorView:
    """Whether there is one in force."""
    async with transaction(context_of(request).engine) as connection:
        return FactorView(
            is_set_up=await factor.in_force(connection, principal.user_id),
            recovery_codes_left=await factor.recovery_codes_left(connection, principal.user_id),
        )


@router.post(
    "",
    operation_id="beginSecondFactor",
    response_model=EnrolmentView,
    openapi_extra=_shown_body.openapi(),
)
async def begin_second_factor(request: Request, principal: Me, body: Shown) -> EnrolmentView:
    """A new secret. It is asked for once a code of it confirmed it."""
    made = await own_factor.begin(context_of(request), principal, body.password)
    return EnrolmentView(secret=made.secret, uri=made.uri)


@router.post(
    "/confirm",
    operation_id="confirmSecondFactor",
    response_model=RecoveryCodesView,
    openapi_extra=_confirm_body.openapi(),
)
async def confirm_second_factor(
    request: Request,
    principal: Me,
    body: Annotated[SecondFactorConfirmBody, Depends(_confirm_body)],
) -> RecoveryCodesView:
    """Put it into force. Everywhere else one is signed out."""
    codes = await own_factor.confirm(context_of(request), principal, body.code)
    return RecoveryCodesView(recovery_codes=codes)


@router.post(
    "/recovery-codes",
    operation_id="renewRecoveryCodes",
    response_model=RecoveryCodesView,
    openapi_extra=_shown_body.openapi(),
)
async def renew_recovery_codes(request: Request, principal: Me, body: Shown) -> RecoveryCodesView:
    """Ten new ones; the old ones are good for nothing."""
    context = context_of(request)
    codes = await own_factor.renew_recovery_codes(context, principal, body.password)
    return RecoveryCodesView(recovery_codes=codes)


@router.post(
    "/remove",
    operation_id="removeSecondFactor",
    status_code=204,
    openapi_extra=_shown_body.openapi(),
)
async def remove_second_factor(request: Request, principal: Me, body: Shown) -> Response:
    """Sign in with the password alone again."""
    await own_factor.remove(context_of(request), principal, body.password)
    return Response(status_code=204)
