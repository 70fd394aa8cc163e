"""Signing in and out.

    POST /v1/session                 e-mail and password   200 signed in | 202 a challenge
    POST /v1/session/second-factor   challenge and code    200 signed in

Guarantees: cookies are HttpOnly and SameSite=Lax, and Secure unless the operator turned that off;
a login from a page of another origin is refused; the CSRF token is only in the body of an answer.
Must not: say which part of the credentials was wrong.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, Field, ValidationError

from coop_contracts.config import Kind, NcmecSettings, OrgSettings, Wellness
from coop_contracts.permission import Permission
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import read
from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.http.authentication import (
    COOKIE,
    cookie_name,
    enrolling,
    public,
    token_of,
)
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.build import Build
from coop_review_api.http.client import check_origin, client_ip
from coop_review_api.http.context import Context, context_of
from coop_review_api.http.csrf import csrf_token_of
from coop_review_api.kernel.email_address import comparable
from coop_review_api.kernel.error import Unauthenticated
from coop_review_api.kernel.principal import Principal
from coop_review_api.people import account, device, login, profile, session
from coop_review_api.people.login import Caller, Challenge
from coop_review_api.people.password import MAX_LENGTH
from coop_review_api.people.profile import Profile
from coop_review_api.people.wellness import stricter
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["session"])

_DEVICE_COOKIE = "coop_device"

OrganisationName = Annotated[str, Field(min_length=1, max_length=253)]
Code = Annotated[str, Field(min_length=6, max_length=40)]


class LoginBody(Body):
    """Credentials. `organisation`: for whoever has accounts in several; its slug, its id, or one of
    its mail domains."""

    email: Annotated[str, Field(min_length=3, max_length=254)]
    password: Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)]
    organisation: OrganisationName | None = None


class CodeBody(Body):
    """The challenge of a login, and a code: of the authenticator, or a recovery code."""

    challenge: Annotated[str, Field(min_length=1, max_length=100)]
    code: Code


class ChallengeView(Model):
    """The password was right: send this back with a code, before `expiresAt`."""

    challenge: str
    expires_at: AwareDatetime


class WellnessView(Model):
    """What holds for the person; see `OwnWellnessBody`. `isOwn`: their choice, not the
    organisation's."""

    mute_video: bool
    mute_audio: bool
    grayscale: bool
    sepia: bool
    blur_level: int
    veil_text: bool
    veil_after: int
    break_after_reveals: int
    break_after_minutes: int
    is_own: bool


class Preferences(Body):
    """How the console looks to one person, on every machine."""

    theme: Literal["SYSTEM", "LIGHT", "DARK"] = "SYSTEM"
    density: Literal["COMFORTABLE", "COMPACT"] = "COMPACT"
    shortcuts: bool = True


class SessionUser(Model):
    id: str
    email: str
    name: str
    role: str
    has_password: bool
    preferences: Preferences


class NcmecState(Model):
    """Whether jobs can be escalated to NCMEC and reported; if not, what is missing: a queue for
    them, or reporting is not enabled."""

    enabled: bool
    reason: Literal["NO_QUEUE", "NOT_ENABLED"] | None


class SessionOrg(Model):
    """What a reviewer's page needs to know of the organisation. `slug`: what to name it by when
    signing in. `undoWindow` and `leaseSeconds` are in seconds; `partialItems`: the platform can be
    asked for an item as it is now; `timeZone`: where its days begin."""

    id: str
    slug: str | None
    name: str
    has_reporting_rules_enabled: bool
    has_appeals_enabled: bool
    requires_policy_for_decisions: bool
    requires_decision_reason: bool
    requires_decision_reason_on_ignore: bool
    allow_multiple_policies_per_action: bool
    hide_skip_button_for_non_admins: bool
    preview_jobs_view_enabled: bool
    is_demo_org: bool
    undo_window: float
    bulk_confirmation_above: int
    ncmec: NcmecState
    partial_items: bool
    lease_seconds: float
    max_claims: int
    time_zone: str


class SessionFacts(Model):
    """Who is signed in, and to what. With `mustSetUpSecondFactor` everything but that is refused
    until it is done. `build` is another one when the console or the API is."""

    user: SessionUser
    org: SessionOrg
    permissions: list[Permission]
    wellness: WellnessView
    expires_at: AwareDatetime
    must_set_up_second_factor: bool
    build: str


class SessionView(SessionFacts):
    """`csrfToken` goes into the header X-CSRF-Token of every request that changes something. The
    session is over at `expiresAt`, or at `idleExpiresAt` if nothing is asked in it until then."""

    csrf_token: str
    idle_expires_at: AwareDatetime


_login_body, _code_body = JsonBody(LoginBody), JsonBody(CodeBody)
_CHALLENGED: dict[int | str, dict[str, Any]] = {
    202: {"model": ChallengeView, "description": "Now the code of the second factor."}
}


@router.post(
    "/session",
    operation_id="createSession",
    response_model=SessionView,
    responses=_CHALLENGED,
    dependencies=[Depends(public)],
    openapi_extra=_login_body.openapi(),
)
async def create_session(
    request: Request, response: Response, body: Annotated[LoginBody, Depends(_login_body)]
) -> SessionView | Response:
    """Sign in. Answers 401 for wrong credentials, 429 with Retry-After after too many failures, 202
    where a second factor is to be shown, 403 where the account waits for approval."""
    context = context_of(request)
    check_origin(request, context.settings)
    outcome = await login.log_in(
        context,
        email=body.email,
        password=body.password,
        organisation=body.organisation,
        caller=caller_of(request),
    )
    if isinstance(outcome, Challenge):
        challenge = ChallengeView(challenge=outcome.token, expires_at=outcome.expires_at)
        return Response(
            challenge.model_dump_json(by_alias=True), 202, media_type="application/json"
        )
    return await _signed_in(request, response, outcome)


@router.post(
    "/session/second-factor",
    operation_id="answerChallenge",
    response_model=SessionView,
    dependencies=[Depends(public)],
    openapi_extra=_code_body.openapi(),
)
async def answer_challenge(
    request: Request, response: Response, body: Annotated[CodeBody, Depends(_code_body)]
) -> SessionView:
    """Sign in with the code of the second factor, or a recovery code. Five tries a challenge."""
    context = context_of(request)
    check_origin(request, context.settings)
    token = await login.answer(
        context, challenge=body.challenge, code=body.code, caller=caller_of(request)
    )
    return await _signed_in(request, response, token)


@router.get("/session", operation_id="getSession", response_model=SessionView)
async def get_session(
    request: Request, principal: Annotated[Principal, Depends(enrolling)]
) -> SessionView:
    """Who is signed in, and the CSRF token again for a page that was reloaded."""
    context = context_of(request)
    return await _view(context, principal, token_of(request, context.settings) or "")


@router.delete("/session", operation_id="deleteSession", status_code=204)
async def delete_session(
    request: Request, principal: Annotated[Principal, Depends(enrolling)]
) -> Response:
    """Sign out."""
    context = context_of(request)
    token = token_of(request, context.settings) or ""
    await login.log_out(context, token=token, org_id=principal.org_id, user_id=principal.user_id)
    response = Response(status_code=204)
    _set_cookie(context, response, COOKIE, "", seconds=0)
    return response


async def _signed_in(request: Request, response: Response, token: str) -> SessionView:
    """Give the browser its session, know it again as a device, and say whose session it is."""
    context, now = context_of(request), context_of(request).clock()
    principal = await set_session(context, response, token)
    sent, email = caller_of(request).device, comparable(principal.email)
    known = device.of_cookie(context.vault, sent, email=email, now=now)
    cookie = device.cookie_for(context.vault, known, email=email, now=now)
    seconds = device.LIFETIME.total_seconds()
    _set_cookie(context, response, _DEVICE_COOKIE, cookie, seconds=seconds)
    return await _view(context, principal, token)


async def set_session(context: Context, response: Response, token: str) -> Principal:
    """Put a new session's token into the cookie. Raises `Unauthenticated`."""
    now = context.clock()
    async with transaction(context.engine) as connection:
        principal = await session.find(connection, token, now=now, limits=context.session_limits)
    if principal is None:
        raise Unauthenticated("the account was disabled just now")
    seconds = (principal.expires_at - now).total_seconds()
    _set_cookie(context, response, COOKIE, token, seconds=seconds)
    return principal


def _set_cookie(
    context: Context, response: Response, name: str, value: str, *, seconds: float
) -> None:
    response.set_cookie(
        cookie_name(context.settings, name),
        value,
        max_age=int(seconds),
        httponly=True,
        samesite="lax",
        secure=context.settings.review_secure_cookies,
        path="/",
    )


async def _view(context: Context, principal: Principal, token: str) -> SessionView:
    facts = await facts_of(context, principal)
    return SessionView(
        **dict(facts),
        csrf_token=csrf_token_of(token),
        idle_expires_at=principal.idle_expires_at,
    )


async def facts_of(context: Context, principal: Principal) -> SessionFacts:
    """What a page needs to know of who is signed in."""
    async with transaction(context.engine) as connection:
        settings = await settings_of(connection, principal.org_id)
        ncmec = await read(
            connection, principal.org_id, Kind.NCMEC_SETTINGS, NcmecSettings, SETTINGS_ID
        )
        own = await profile.read(connection, principal.user_id)
        slug = await account.slug_of(connection, principal.org_id)
    return SessionFacts(
        user=SessionUser(
            id=principal.user_id,
            email=principal.email,
            name=principal.name,
            role=principal.role,
            has_password=own.has_password,
            preferences=preferences_of(own),
        ),
        org=_org_of(
            context,
            principal.org_id,
            slug,
            settings,
            reports=ncmec is not None and ncmec.document.enabled,
        ),
        permissions=sorted(principal.permissions),
        wellness=wellness_view(own.wellness, settings.default_wellness),
        expires_at=principal.expires_at,
        must_set_up_second_factor=principal.must_enrol,
        build=context.part(Build).id,
    )


def _org_of(
    context: Context, org_id: str, slug: str | None, settings: OrgSettings, *, reports: bool
) -> SessionOrg:
    made: dict[str, Any] = {
        "id": org_id,
        "slug": slug,
        "ncmec": _ncmec(settings, reports=reports),
        "partial_items": settings.partial_items_endpoint is not None,
        "lease_seconds": context.settings.review_lease,
        "max_claims": context.settings.review_max_claims,
    }
    shown = msgspec.structs.asdict(settings)
    rest = {name: shown[name] for name in SessionOrg.model_fields if name not in made}
    return SessionOrg(**made, **rest)


def _ncmec(settings: OrgSettings, *, reports: bool) -> NcmecState:
    if settings.ncmec_queue_id is None:
        return NcmecState(enabled=False, reason="NO_QUEUE")
    return NcmecState(enabled=reports, reason=None if reports else "NOT_ENABLED")


def wellness_view(own: Wellness | None, default: Wellness) -> WellnessView:
    """The person's own choice, else the organisation's."""
    chosen = stricter(own, default)
    return WellnessView(**msgspec.structs.asdict(chosen), is_own=own is not None)


def preferences_of(own: Profile) -> Preferences:
    """What is stored, as far as this release knows it."""
    try:
        return Preferences.model_validate(own.preferences)
    except ValidationError:
        return Preferences()


def caller_of(request: Request) -> Caller:
    """Where a login comes from."""
    settings = context_of(request).settings
    return Caller(
        ip=client_ip(request, settings),
        user_agent=request.headers.get("user-agent", ""),
        old_token=token_of(request, settings),
        device=request.cookies.get(cookie_name(settings, _DEVICE_COOKIE)),
    )
