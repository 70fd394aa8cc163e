"""Signing in through an identity provider: what browsers and providers call.

    POST /v1/sso/start                  {email}: where to sign in, by the address's domain
    GET  /v1/sso/{provider}/start       to the provider (?returnTo=, a path of the console)
    GET  /v1/sso/{provider}/metadata    SAML: what we are
    POST /v1/sso/{provider}/acs         SAML: the provider's response, through the browser
    GET  /v1/sso/{provider}/finish      SAML: the browser that began redeems its ticket
    GET  /v1/sso/{provider}/callback    OIDC: the provider's answer, through the browser

Guarantees: every page that a browser comes to sends it on: to the provider, to a path of the
console, or to the console's page for signing in with one word of what became of it; the cookie is
HttpOnly, SameSite=Lax, and Secure under a name that only this host can set unless the operator
turned TLS off.
Must not: take an address to redirect to from a request.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field
from starlette.exceptions import HTTPException

from coop_review_api.http.address import ADDRESSED_BY_OTHERS
from coop_review_api.http.authentication import cookie_name, public
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.client import client_ip
from coop_review_api.http.context import Context, context_of, part_of
from coop_review_api.http.problem import request_id_of
from coop_review_api.kernel import metric
from coop_review_api.kernel.error import Unauthenticated
from coop_review_api.people.session_route import OrganisationName, caller_of, set_session
from coop_review_api.single_sign_on import attempt, metadata, provider, sign_on
from coop_review_api.single_sign_on.address import MAX_PATH, checked_path
from coop_review_api.single_sign_on.client import SingleSignOn
from coop_review_api.single_sign_on.error import NoAccount, SignInRefused, SignOnError
from coop_review_api.single_sign_on.library import libraries
from coop_review_api.single_sign_on.provider import Provider
from coop_review_api.single_sign_on.sign_on import SignedIn, Visitor
from coop_runtime.database.engine import transaction
from coop_runtime.process.log import logger

router = APIRouter(
    prefix="/v1/sso",
    tags=["single-sign-on"],
    dependencies=[Depends(public), Depends(libraries)],
)

_FORM = "application/x-www-form-urlencoded"
_MAX_FIELDS = 10
_log = logger("coop.review_api.single_sign_on")


class StartBody(Body):
    """Who wants to sign in, and to which organisation, where the domain of the address does not
    say so. `returnTo`: a path of the console."""

    email: Annotated[str, Field(min_length=3, max_length=254)]
    organisation: OrganisationName | None = None
    return_to: Annotated[str, Field(max_length=MAX_PATH)] | None = None


class StartView(Model):
    """Where to send the browser; null: with a password, or by the organisation's own address."""

    redirect_url: str | None


_start_body = JsonBody(StartBody)


@router.post(
    "/start",
    operation_id="findSingleSignOn",
    response_model=StartView,
    openapi_extra=_start_body.openapi(),
)
async def find_single_sign_on(
    request: Request, body: Annotated[StartBody, Depends(_start_body)]
) -> StartView:
    """Where people of an address's domain sign in. Says nothing of the address itself."""
    context = context_of(request)
    path = None if body.return_to is None else checked_path(body.return_to, at="/returnTo")
    async with transaction(context.engine) as connection:
        found = await provider.of_address(connection, body.email, body.organisation)
    if found is None:
        return StartView(redirect_url=None)
    return StartView(redirect_url=context.part(SingleSignOn).addresses.start(found.id, path))


@router.get(
    "/{provider_id}/start",
    operation_id="startSingleSignOn",
    status_code=303,
    openapi_extra={ADDRESSED_BY_OTHERS: True},
)
async def start(
    request: Request,
    provider_id: str,
    return_to: Annotated[str | None, Query(alias="returnTo")] = None,
) -> Response:
    """Begin: on to the identity provider."""
    context = context_of(request)
    path = checked_path(return_to, at="#/query/returnTo")
    found = await sign_on.enabled(context, provider_id)
    browser = attempt.browser_secret(request.cookies.get(cookie_of(context)))
    try:
        url = await sign_on.start(
            context,
            found,
            browser=browser,
            ip=client_ip(request, context.settings),
            return_to=path,
        )
    except SignOnError as error:
        return _failed(request, found, error)
    response = RedirectResponse(url, 303)
    response.set_cookie(
        cookie_of(context),
        browser,
        max_age=int(attempt.LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=context.settings.review_secure_cookies,
        path="/",
    )
    return response


@router.get(
    "/{provider_id}/metadata",
    operation_id="getServiceProviderMetadata",
    response_class=Response,
    responses={200: {"content": {metadata.MEDIA_TYPE: {"schema": {"type": "string"}}}}},
)
async def get_metadata(request: Request, provider_id: str) -> Response:
    """Our SAML metadata for this provider."""
    context = context_of(request)
    found = await sign_on.enabled(context, provider_id, "SAML")
    document = metadata.write(
        context.part(SingleSignOn).addresses,
        found.id,
        by_name_identifier=found.document.email_attribute is None,
    )
    return Response(document, media_type=metadata.MEDIA_TYPE)


@router.post(
    "/{provider_id}/acs",
    operation_id="consumeAssertion",
    status_code=303,
    openapi_extra={
        ADDRESSED_BY_OTHERS: True,
        "requestBody": {
            "required": True,
            "content": {
                _FORM: {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "SAMLResponse": {"type": "string"},
                            "RelayState": {"type": "string"},
                        },
                    }
                }
            },
        },
    },
)
async def consume_assertion(request: Request, provider_id: str) -> Response:
    """A form with `SAMLResponse` and `RelayState`. On to `finish`, where the browser's cookie
    comes along."""
    context = context_of(request)
    found = await sign_on.enabled(context, provider_id, "SAML")
    form = await _form(request)
    try:
        url = await sign_on.acs(
            context,
            found,
            response=form.get("SAMLResponse", ""),
            relay_state=form.get("RelayState"),
        )
    except SignOnError as error:
        return _failed(request, found, error)
    return RedirectResponse(url, 303)


@router.get("/{provider_id}/finish", operation_id="finishSingleSignOn", status_code=303)
async def finish(
    request: Request, provider_id: str, ticket: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """The session for a ticket, in the browser that began. On to the console."""
    context = context_of(request)
    found = await sign_on.enabled(context, provider_id, "SAML")
    try:
        done = await sign_on.finish(context, found, ticket=ticket, visitor=_visitor(request))
        return await _signed_in(context, done)
    except SignOnError as error:
        return _failed(request, found, error)


@router.get(
    "/{provider_id}/callback",
    operation_id="consumeAuthorizationCode",
    status_code=303,
    openapi_extra={
        ADDRESSED_BY_OTHERS: True,
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}
            for name in ("code", "state", "iss", "error")
        ],
    },
)
async def callback(request: Request, provider_id: str) -> Response:
    """An OpenID provider's `code` and `state`. On to the console."""
    context = context_of(request)
    found = await sign_on.enabled(context, provider_id, "OIDC")
    try:
        answer = _single(request.query_params.multi_items())
        done = await sign_on.callback(context, found, answer=answer, visitor=_visitor(request))
        return await _signed_in(context, done)
    except SignOnError as error:
        return _failed(request, found, error)


def cookie_of(context: Context) -> str:
    """The cookie of a browser's secret."""
    return cookie_name(context.settings, "coop_sso")


def _visitor(request: Request) -> Visitor:
    cookie = cookie_of(context_of(request))
    return Visitor(browser=request.cookies.get(cookie), caller=caller_of(request))


async def _signed_in(context: Context, done: SignedIn) -> Response:
    response = RedirectResponse(context.part(SingleSignOn).addresses.page(done.return_to), 303)
    try:
        await set_session(context, response, done.token)
    except Unauthenticated:
        raise NoAccount("inactive", "the account was disabled just now") from None
    response.delete_cookie(
        cookie_of(context),
        path="/",
        httponly=True,
        samesite="lax",
        secure=context.settings.review_secure_cookies,
    )
    return response


def _failed(request: Request, found: Provider, error: SignOnError) -> Response:
    """On to the console's page for signing in, which explains the outcome and offers to begin
    again."""
    metric.LOGINS.labels("refused").inc()
    request_id = request_id_of(request)
    _log.warning(
        "single sign-on failed",
        org_id=found.org_id,
        provider=found.id,
        reason=error.reason,
        error=str(error),
        request_id=request_id,
    )
    addresses = part_of(request, SingleSignOn).addresses
    return RedirectResponse(addresses.failed(found.id, error.outcome, request_id), 303)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a posted form. Raises `HTTPException` for another kind of body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise HTTPException(415, f"send {_FORM}")
    try:
        fields = parse_qs((await request.body()).decode("ascii"), max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise HTTPException(400, "the form cannot be read") from None
    if any(len(values) > 1 for values in fields.values()):
        raise HTTPException(400, "a field is given twice")
    return {name: values[0] for name, values in fields.items()}


def _single(items: list[tuple[str, str]]) -> dict[str, str]:
    """The parameters. Raises `SignInRefused` when one is there twice (RFC 6749, 3.1)."""
    found = dict(items)
    if len(found) != len(items):
        raise SignInRefused("shape", "a parameter is given twice")
    return found
