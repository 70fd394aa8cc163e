"""Signing in and out.

Guarantees: the cookie is HttpOnly and SameSite=Lax, and Secure unless the operator turned that off;
a login from a page of another origin is refused; the CSRF token is only in the body of an answer.
Must not: say which part of the credentials was wrong.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, Field

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.permission import Permission, Role
from coop_review_api import login, session
from coop_review_api.api.authentication import COOKIE, public, signed_in
from coop_review_api.api.body import Body, JsonBody, Model
from coop_review_api.api.resource import context_of
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import read
from coop_review_api.context import Context
from coop_review_api.error import Forbidden, Unauthenticated
from coop_review_api.password import MAX_LENGTH
from coop_review_api.session import Principal
from coop_review_api.settings import Settings
from coop_runtime.database import transaction

router = APIRouter(prefix="/v1", tags=["session"])


class LoginBody(Body):
    """Credentials."""

    email: Annotated[str, Field(min_length=3, max_length=254)]
    password: Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)]


class SessionUser(Model):
    id: str
    email: str
    name: str
    role: Role


class SessionOrg(Model):
    """What a reviewer's page needs to know of the organisation."""

    id: str
    name: str
    has_appeals_enabled: bool
    requires_policy_for_decisions: bool
    requires_decision_reason: bool
    requires_decision_reason_on_ignore: bool
    allow_multiple_policies_per_action: bool


class SessionView(Model):
    """`csrfToken` goes into the header X-CSRF-Token of every request that changes something."""

    user: SessionUser
    org: SessionOrg
    permissions: list[Permission]
    csrf_token: str
    expires_at: AwareDatetime


_login_body = JsonBody(LoginBody)


@router.post(
    "/session",
    operation_id="createSession",
    response_model=SessionView,
    dependencies=[Depends(public)],
    openapi_extra=_login_body.openapi(),
)
async def create_session(
    request: Request, response: Response, body: Annotated[LoginBody, Depends(_login_body)]
) -> SessionView:
    """Sign in. Answers 401 for wrong credentials, 429 with Retry-After after too many failures."""
    context = context_of(request)
    check_origin(request, context.settings)
    token = await login.log_in(
        context,
        email=body.email,
        password=body.password,
        ip=client_ip(request, context.settings),
        old_token=request.cookies.get(COOKIE),
    )
    async with transaction(context.engine) as connection:
        principal = await session.find(
            connection, token, now=context.clock(), limits=context.session_limits
        )
    if principal is None:
        raise Unauthenticated("the account was disabled just now")
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(context.session_limits.lifetime.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=context.settings.review_secure_cookies,
        path="/",
    )
    return await _view(context, principal, token)


@router.get("/session", operation_id="getSession", response_model=SessionView)
async def get_session(
    request: Request, principal: Annotated[Principal, Depends(signed_in)]
) -> SessionView:
    """Who is signed in, and the CSRF token again for a page that was reloaded."""
    return await _view(context_of(request), principal, request.cookies[COOKIE])


@router.delete("/session", operation_id="deleteSession", status_code=204)
async def delete_session(
    request: Request, principal: Annotated[Principal, Depends(signed_in)]
) -> Response:
    """Sign out."""
    await login.log_out(
        context_of(request),
        token=request.cookies[COOKIE],
        org_id=principal.org_id,
        user_id=principal.user_id,
    )
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return response


async def _view(context: Context, principal: Principal, token: str) -> SessionView:
    async with transaction(context.engine) as connection:
        entry = await read(connection, principal.org_id, Kind.SETTINGS, OrgSettings, SETTINGS_ID)
    settings = entry.document if entry else OrgSettings(id=SETTINGS_ID, name="")
    return SessionView(
        user=SessionUser(
            id=principal.user_id, email=principal.email, name=principal.name, role=principal.role
        ),
        org=SessionOrg(
            id=principal.org_id,
            name=settings.name,
            has_appeals_enabled=settings.has_appeals_enabled,
            requires_policy_for_decisions=settings.requires_policy_for_decisions,
            requires_decision_reason=settings.requires_decision_reason,
            requires_decision_reason_on_ignore=settings.requires_decision_reason_on_ignore,
            allow_multiple_policies_per_action=settings.allow_multiple_policies_per_action,
        ),
        permissions=sorted(principal.permissions),
        csrf_token=session.csrf_token_of(token),
        expires_at=principal.expires_at,
    )


def check_origin(request: Request, settings: Settings) -> None:
    """Raises `Forbidden` for a browser page of another origin (login CSRF)."""
    origin = request.headers.get("origin")
    if origin is None or origin in settings.review_origins:
        return
    if urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden("pages of this origin may not sign in here")


def client_ip(request: Request, settings: Settings) -> str:
    """The caller's address; behind a trusted proxy, the one that the proxy saw."""
    peer = request.client.host if request.client else "unknown"
    if peer in settings.review_trusted_proxies:
        forwarded = request.headers.get("x-forwarded-for", "")
        return forwarded.rpartition(",")[2].strip() or peer
    return peer
