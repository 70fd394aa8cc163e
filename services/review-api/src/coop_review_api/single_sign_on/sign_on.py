"""The flows of single sign-on, from the redirect to the session.

    SAML  start ─▶ provider ─▶ acs ─▶ finish ─▶ session
    OIDC  start ─▶ provider ─▶ callback ─▶ session

The provider's page posts a SAML response across sites, where a browser sends no SameSite cookie:
`acs` therefore only checks it and hands out a ticket, and the browser, sent on to `finish`, redeems
that with its cookie. Whoever began a flow without being there at its end lacks the ticket; whoever
is made to end a flow that another began lacks the cookie.

Guarantees: a refusal is kept (the attempt spent, an audit row written) although the flow fails;
nothing waits for a provider with a database connection in hand.
Must not: know HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind
from coop_review_api.configuration.binding import bound_to
from coop_review_api.http.context import Context
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import NotFound
from coop_review_api.people.login import Caller, admit
from coop_review_api.single_sign_on import account, attempt, provider, saml
from coop_review_api.single_sign_on.attempt import AttemptLimits
from coop_review_api.single_sign_on.client import SingleSignOn
from coop_review_api.single_sign_on.error import AttemptExpired, NoAccount, SignOnError
from coop_review_api.single_sign_on.oidc import Flow
from coop_review_api.single_sign_on.provider import Provider
from coop_runtime.database.engine import transaction


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A browser that comes back: its secret of single sign-on, if it has one."""

    browser: str | None
    caller: Caller


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A new session's token, and the path that the person wanted."""

    token: str
    return_to: str


async def enabled(context: Context, provider_id: str, scheme: str | None = None) -> Provider:
    """An enabled provider (of this scheme). Raises `NotFound`."""
    async with transaction(context.engine) as connection:
        found = await provider.find(connection, provider_id)
    if (
        found is None
        or not found.document.enabled
        or (scheme is not None and scheme != found.document.scheme)
    ):
        raise NotFound("no such identity provider")
    return found


async def start(context: Context, found: Provider, *, browser: str, ip: str, return_to: str) -> str:
    """The address at the provider to send the browser to. Raises `TooManyAttempts`,
    `SignOnError`."""
    now = context.clock()
    async with transaction(context.engine) as connection:
        begun = await attempt.begin(
            connection,
            found,
            browser=browser,
            ip=ip,
            return_to=return_to,
            limits=context.part(AttemptLimits),
            now=now,
        )
    ours = context.part(SingleSignOn)
    if found.document.scheme == "SAML":
        return saml.request_url(found.document, ours.addresses, begun, now=now)
    flow = _flow(context, found, browser, begun.state)
    return await ours.oidc.authorization_url(found.document, flow)


async def acs(context: Context, found: Provider, *, response: str, relay_state: str | None) -> str:
    """Where to send a browser that brought a SAML response: to redeem its ticket. Raises
    `SignOnError`."""
    now, addresses = context.clock(), context.part(SingleSignOn).addresses
    async with transaction(context.engine) as connection:
        answered = await attempt.answer(connection, found, relay_state, now=now)
    try:
        assertion = await asyncio.to_thread(
            saml.read,
            response,
            found.document,
            addresses,
            in_response_to=answered.message_id,
            now=now,
        )
        async with transaction(context.engine) as connection:
            await attempt.use(connection, found, assertion, now=now)
        async with transaction(context.engine) as connection:
            user_id = await account.find(connection, found, assertion.email)
            ticket = await attempt.ticket(connection, answered, user_id=user_id, now=now)
    except SignOnError as error:
        await _refused(context, found, error)
        raise
    return addresses.finish(found.id, ticket)


async def finish(context: Context, found: Provider, *, ticket: str, visitor: Visitor) -> SignedIn:
    """The session behind a ticket. Raises `SignOnError`."""
    refusal: SignOnError
    async with transaction(context.engine) as connection:
        # A refusal must not undo that the ticket is spent.
        try:
            redeemed = await attempt.redeem(
                connection, found, ticket, browser=visitor.browser, now=context.clock()
            )
            return await _admit(
                context, connection, found, redeemed.user_id, redeemed.return_to, visitor
            )
        except SignOnError as error:
            refusal = error
    if not isinstance(refusal, AttemptExpired):
        await _refused(context, found, refusal)
    raise refusal


async def callback(
    context: Context, found: Provider, *, answer: Mapping[str, str], visitor: Visitor
) -> SignedIn:
    """The session that an OpenID provider's answer (its parameters) opens. Raises
    `SignOnError`."""
    state, browser = answer.get("state", ""), visitor.browser or ""
    async with transaction(context.engine) as connection:
        answered = await attempt.answer(
            connection, found, state, now=context.clock(), browser=browser
        )
    flow = _flow(context, found, browser, state)
    try:
        email = await context.part(SingleSignOn).oidc.email(
            found.document, flow, answer, secret=_secret(context, found)
        )
        async with transaction(context.engine) as connection:
            user_id = await account.find(connection, found, email)
            return await _admit(context, connection, found, user_id, answered.return_to, visitor)
    except SignOnError as error:
        await _refused(context, found, error)
        raise


def _flow(context: Context, found: Provider, browser: str, state: str) -> Flow:
    return Flow(
        redirect_uri=context.part(SingleSignOn).addresses.callback(found.id),
        state=state,
        nonce=attempt.derived(browser, state, "nonce"),
        verifier=attempt.derived(browser, state, "verifier"),
    )


def _secret(context: Context, found: Provider) -> str | None:
    stored = found.document.client_secret
    if stored is None:
        return None
    bound = bound_to(found.org_id, Kind.IDENTITY_PROVIDER, found.id)
    return context.vault.decrypt(stored, context=bound)


async def _admit(
    context: Context,
    connection: AsyncConnection,
    found: Provider,
    user_id: str,
    return_to: str,
    visitor: Visitor,
) -> SignedIn:
    if not await account.is_active(connection, found, user_id):
        raise NoAccount("inactive", "the account is not active")
    token = await admit(
        connection,
        context,
        org_id=found.org_id,
        user_id=user_id,
        caller=visitor.caller,
        method="SINGLE_SIGN_ON",
        provider_id=found.id,
    )
    return SignedIn(token=token, return_to=return_to)


async def _refused(context: Context, found: Provider, error: SignOnError) -> None:
    async with transaction(context.engine) as connection:
        await audit.record(
            connection,
            org_id=found.org_id,
            actor="unknown",
            action="session.refused",
            target=(Kind.IDENTITY_PROVIDER, found.id),
            detail={"method": "SINGLE_SIGN_ON", "reason": error.reason},
            time=context.clock(),
        )
