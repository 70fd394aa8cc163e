"""OpenID Connect: the authorization code flow with PKCE, as the relying party.

    discovery ─▶ authorization request (state, nonce, S256 challenge) ─▶ code
      ─▶ token endpoint, with the verifier ─▶ ID token checked ─▶ address, from it or from userinfo

Guarantees: state and cookie bind the answer to the browser, the nonce binds the token to the
request, the verifier binds the code to us; a discovery document speaks for its own issuer only.
Must not: keep a token.
Source: OpenID Connect Core and Discovery 1.0, RFC 6749, 7636, 9207.
"""

from __future__ import annotations

import base64
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from coop_contracts.config import IdentityProvider
from coop_review_api.single_sign_on import id_token
from coop_review_api.single_sign_on.address import with_query
from coop_review_api.single_sign_on.error import ProviderUnreachable, SignInRefused
from coop_review_api.single_sign_on.fetch import Fetch
from coop_review_api.single_sign_on.key_set import ALGORITHMS, KeySets
from coop_review_api.single_sign_on.web_address import is_safe

KEPT = timedelta(minutes=10)
MAX_KEPT = 500
MAX_CODE = 4096
SCOPE = "openid email profile"

_NEEDED = {
    "response_types_supported": frozenset({"code"}),
    "scopes_supported": frozenset({"openid"}),
    "code_challenge_methods_supported": frozenset({"S256"}),
    "id_token_signing_alg_values_supported": ALGORITHMS,
}
"""Of what a discovery document lists under each name, one of these is needed."""


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """What a provider says of itself, as far as it is used. `takes_secret`: a client shows who it
    is with its secret; `by_post`: in the form."""

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    takes_secret: bool
    by_post: bool
    names_itself: bool
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Flow:
    """One request's own values."""

    redirect_uri: str
    state: str
    nonce: str
    verifier: str


class Oidc:
    """Lives in one event loop."""

    def __init__(self, fetch: Fetch, clock: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys = KeySets(fetch, clock)
        self._known: OrderedDict[str, Discovery] = OrderedDict()

    async def examine(self, issuer: str) -> Discovery:
        """What the provider says of itself now, asked anew and kept nowhere. Raises `SignInRefused`
        where nobody could sign in with that, `ProviderUnreachable`."""
        document = await self._fetch.json(_discovery_url(issuer))
        found = _read(document, issuer, self._clock())
        for name, ours in _NEEDED.items():
            theirs = document.get(name)
            if isinstance(theirs, list) and not ours & {str(one) for one in theirs}:
                wanted = ", ".join(sorted(ours))
                raise SignInRefused("discovery", f"{name} has none of {wanted}")
        await self._keys.examine(found.keys)
        return found

    async def authorization_url(self, provider: IdentityProvider, flow: Flow) -> str:
        """Where to send the browser. Raises `SignInRefused`, `ProviderUnreachable`."""
        discovery = await self._discover(_issuer(provider))
        challenge = hashlib.sha256(flow.verifier.encode()).digest()
        return with_query(
            discovery.authorization,
            {
                "response_type": "code",
                "client_id": provider.client_id or "",
                "redirect_uri": flow.redirect_uri,
                "scope": SCOPE,
                "state": flow.state,
                "nonce": flow.nonce,
                "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
                "code_challenge_method": "S256",
            },
        )

    async def email(
        self,
        provider: IdentityProvider,
        flow: Flow,
        answer: Mapping[str, str],
        *,
        secret: str | None,
    ) -> str:
        """The address of whoever signed in, for the parameters of the provider's answer.

        Raises `SignInRefused`, `ProviderUnreachable`."""
        discovery = await self._discover(_issuer(provider))
        code = _code(answer, _issuer(provider), discovery)
        tokens = await self._exchange(provider, discovery, flow, code, secret)
        raw = tokens.get("id_token")
        if not isinstance(raw, str):
            raise SignInRefused("token", "the provider gave no ID token")
        algorithm, key_id = id_token.header(raw)
        key = await self._keys.find(discovery.keys, key_id=key_id, algorithm=algorithm)
        expected = id_token.ExpectedToken(
            issuer=_issuer(provider),
            client_id=provider.client_id or "",
            nonce=flow.nonce,
            now=self._clock(),
        )
        claims = id_token.claims(raw, key, expected)
        found = id_token.email(claims, provider.email_attribute)
        if found is None:
            found = await self._ask(provider, discovery, tokens, claims, algorithm)
        return found

    async def _discover(self, issuer: str) -> Discovery:
        now = self._clock()
        known = self._known.get(issuer)
        if known is not None and known.at + KEPT > now:
            return known
        document = await self._fetch.json(_discovery_url(issuer))
        found = _read(document, issuer, now)
        self._known[issuer] = found
        self._known.move_to_end(issuer)
        while len(self._known) > MAX_KEPT:
            self._known.popitem(last=False)
        return found

    async def _exchange(
        self,
        provider: IdentityProvider,
        discovery: Discovery,
        flow: Flow,
        code: str,
        secret: str | None,
    ) -> dict[str, Any]:
        client_id = provider.client_id or ""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow.redirect_uri,
            "code_verifier": flow.verifier,
        }
        basic = None
        if secret is None:
            form["client_id"] = client_id
        elif discovery.by_post:
            form |= {"client_id": client_id, "client_secret": secret}
        else:
            basic = (quote(client_id, safe=""), quote(secret, safe=""))  # RFC 6749, 2.3.1
        status, tokens = await self._fetch.post(discovery.token, form, basic=basic)
        if status != 200:
            error = str(tokens.get("error"))[:50]
            raise SignInRefused("code", f"the provider did not take the code: {error}")
        return tokens

    async def _ask(
        self,
        provider: IdentityProvider,
        discovery: Discovery,
        tokens: Mapping[str, Any],
        claims: dict[str, Any],
        algorithm: str,
    ) -> str:
        """The address from the userinfo endpoint: some providers put little into an ID token."""
        access_token = tokens.get("access_token")
        if discovery.userinfo is None or not isinstance(access_token, str):
            raise SignInRefused("email", "the provider names no e-mail address")
        id_token.check_access_token(claims, algorithm, access_token)
        said = await self._fetch.json(discovery.userinfo, bearer=access_token)
        if said.get("sub") != claims["sub"]:
            raise SignInRefused("token", "userinfo is about somebody else")
        found = id_token.email(said, provider.email_attribute)
        if found is None:
            raise SignInRefused("email", "the provider names no e-mail address")
        return found


def _discovery_url(issuer: str) -> str:
    return issuer.removesuffix("/") + "/.well-known/openid-configuration"


def _issuer(provider: IdentityProvider) -> str:
    return provider.issuer or ""


def _read(document: Mapping[str, Any], issuer: str, now: datetime) -> Discovery:
    if document.get("issuer") != issuer:
        raise SignInRefused("issuer", "the discovery document speaks for another issuer")
    methods = document.get("token_endpoint_auth_methods_supported")
    if not isinstance(methods, list):
        methods = ["client_secret_basic"]  # OpenID Connect Discovery, section 3
    userinfo = document.get("userinfo_endpoint")
    return Discovery(
        authorization=_endpoint(document, "authorization_endpoint"),
        token=_endpoint(document, "token_endpoint"),
        keys=_endpoint(document, "jwks_uri"),
        userinfo=None if userinfo is None else _endpoint(document, "userinfo_endpoint"),
        takes_secret="client_secret_basic" in methods or "client_secret_post" in methods,
        by_post="client_secret_basic" not in methods and "client_secret_post" in methods,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        at=now,
    )


def _endpoint(document: Mapping[str, Any], name: str) -> str:
    found = document.get(name)
    if not isinstance(found, str):
        raise ProviderUnreachable("discovery", f"the discovery document has no {name}")
    if not is_safe(found):
        raise SignInRefused("address", f"{name} is no https URL")
    return found


def _code(answer: Mapping[str, str], issuer: str, discovery: Discovery) -> str:
    said = answer.get("iss")
    if (said is not None or discovery.names_itself) and said != issuer:
        raise SignInRefused("issuer", "another provider sent the answer")
    if "error" in answer:
        raise SignInRefused("status", f"the provider answered {answer['error'][:50]!r}")
    code = answer.get("code", "")
    if not 1 <= len(code) <= MAX_CODE:
        raise SignInRefused("code", "the answer has no code")
    return code
