"""OpenID Connect under attack. Each test names the reason that its guard gives."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from coop_contracts.permission import Role

pytestmark = pytest.mark.engines


async def attacked(browser: Any, openid: Any, tools: Any, email: str, **changes: str) -> str:
    """What becomes of an answer of the provider as it is now."""
    left = await browser.land(openid.authorize(await browser.begin(), email, **changes))
    assert await browser.who() is None
    return str(tools.outcome(left))


def encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def deep(levels: int) -> str:
    return base64.urlsafe_b64encode(b"[" * levels + b"]" * levels).rstrip(b"=").decode()


async def test_claims_of_something_else(
    browser: Any, openid: Any, tools: Any, member: Any, clock: Any, reasons: Any
) -> None:
    """A wrong nonce, issuer, audience or time, an unverified address, a lacking claim: refused."""
    now = int(clock().timestamp())
    cases: list[tuple[str, dict[str, Any]]] = [
        ("nonce", {"nonce": "another"}),
        ("nonce", {"nonce": 7}),
        ("nonce", {"nonce": "\ud800"}),
        ("token", {"nonce": None}),
        ("issuer", {"iss": "https://evil.example"}),
        ("issuer", {"iss": openid.issuer + "/"}),
        ("audience", {"aud": "another"}),
        ("audience", {"aud": [openid.client_id, "another"]}),
        ("audience", {"azp": "another"}),
        ("time", {"exp": now - 120}),
        ("time", {"iat": now + 300, "exp": now + 900}),
        ("time", {"iat": now - 3600}),
        ("time", {"nbf": now + 300}),
        ("time", {"exp": True}),
        ("time", {"exp": float("nan")}),
        ("time", {"exp": 10**400}),
        ("time", {"iat": float("nan")}),
        ("time", {"exp": "soon"}),
        ("time", {"iat": "soon"}),
        ("time", {"nbf": "soon"}),
        ("token", {"exp": None}),
        ("token", {"sub": ""}),
        ("unverified", {"email_verified": False}),
        ("unverified", {"email_verified": None}),
        ("unverified", {"email_verified": "true"}),
        ("email", {"email": ["a@b.example"]}),
        ("email", {"email": "nobody"}),
    ]
    for _, claims in cases:
        openid.claims = claims
        assert await attacked(browser, openid, tools, member.email) == "refused", claims
    assert await reasons() == [reason for reason, _ in cases]


async def test_tokens_signed_by_nobody_we_know(
    browser: Any, openid: Any, tools: Any, member: Any, keys: Any, clock: Any, reasons: Any
) -> None:
    """Unsigned, signed with a public key taken for a shared secret, with another key under a known
    name or an unknown one, with a key of its own in the header: refused."""
    public = openid.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    other = keys.new()

    def confused(claims: dict[str, Any]) -> str:
        signed = f"{encoded({'alg': 'HS256', 'kid': 'key-1'})}.{encoded(claims)}"
        mac = hmac.digest(public, signed.encode(), hashlib.sha256)
        return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    def brought(claims: dict[str, Any]) -> str:
        headers = {"kid": "key-1", "jwk": keys.public(other, "key-1")}
        return jwt.encode(claims, other, algorithm="RS256", headers=headers)

    cases: list[tuple[str, Any]] = [
        ("algorithm", lambda claims: f"{encoded({'alg': 'none'})}.{encoded(claims)}."),
        ("algorithm", lambda claims: f"{encoded({'alg': 'nOnE'})}.{encoded(claims)}."),
        ("algorithm", confused),
        (
            "signature",
            lambda claims: jwt.encode(claims, other, "RS256", headers={"kid": "key-1"}),
        ),
        ("key", lambda claims: jwt.encode(claims, other, "RS256", headers={"kid": "key-9"})),
        ("signature", brought),
        ("key", lambda claims: jwt.encode(claims, tools.pair("c", curve=True).key, "ES256")),
        ("token", lambda claims: "not a token"),
        ("token", lambda claims: f"{encoded({'kid': 7, 'alg': 'RS256'})}.{encoded(claims)}.x"),
        ("token", lambda claims: f"{deep(5_000)}.{encoded(claims)}.x"),
        ("size", lambda claims: "x" * 50_000),
    ]
    for _, sign in cases:
        openid.sign = sign
        assert await attacked(browser, openid, tools, member.email) == "refused"
    assert await reasons() == [reason for reason, _ in cases]


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_keys_that_are_no_keys(
    browser: Any, openid: Any, tools: Any, member: Any, keys: Any, clock: Any, reasons: Any
) -> None:
    """A shared secret in the key set, a short key, a key for encryption, a broken one, two of one
    name, or too many: refused."""
    secret = base64.urlsafe_b64encode(b"k" * 32).rstrip(b"=").decode()
    oct_key = {"kty": "oct", "k": secret, "kid": "key-1", "alg": "HS256"}
    good = keys.public(openid.key, "key-1")
    cases: list[tuple[str, list[dict[str, Any]]]] = [
        ("key", [oct_key]),
        ("key", [{**good, "use": "enc"}]),
        ("key", [{**good, "alg": "PS256"}]),
        ("key", [{**good, "n": "!"}]),
        ("key", [good, good]),
        ("key", [good, *({**good, "kid": f"other-{number}"} for number in range(50))]),
        ("key", [keys.public(keys.new(1024), "key-1")]),
    ]
    for _, found in cases:
        clock.forward(hours=2)
        browser.http.cookies.clear()
        openid.keys = found
        assert await attacked(browser, openid, tools, member.email) == "refused", found
    assert await reasons() == [reason for reason, _ in cases]


async def test_state_that_is_missing_wrong_or_used(
    browser: Any, browse: Any, openid: Any, tools: Any, member: Any
) -> None:
    """Without the state of an attempt that waits, in the browser that began it, no code is taken
    to the provider."""
    url = openid.authorize(await browser.begin(), member.email)
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    base = url.partition("?")[0]
    for state in ("", "&state=", "&state=unknown"):
        left = await browser.land(f"{base}?code={query['code']}{state}")
        assert tools.outcome(left) == "expired"
    other = browse(browser.provider_id)
    assert tools.outcome(await other.land(url)) == "expired"  # no cookie
    await other.begin()
    assert tools.outcome(await other.land(url)) == "expired"  # another cookie
    assert openid.forms == []
    await browser.land(url)
    assert await browser.who() == member.email
    assert tools.outcome(await browser.land(url)) == "expired"
    assert len(openid.forms) == 1


async def test_a_code_of_another_flow(
    browser: Any, browse: Any, openid: Any, tools: Any, admin: Any, reasons: Any
) -> None:
    """A stolen code, put into one's own flow, does not fit the verifier; a used one is refused."""
    victim = browse(browser.provider_id)
    stolen = parse_qs(urlsplit(openid.authorize(await victim.begin(), admin.email)).query)["code"]
    assert await attacked(browser, openid, tools, "x@y.example", code=stolen[0]) == "refused"
    (form,) = openid.forms
    assert form["code"] == stolen[0]
    openid.issued[stolen[0]].used = True
    assert await attacked(browser, openid, tools, "x@y.example", code=stolen[0]) == "refused"
    assert await reasons() == ["code", "code"]


async def test_a_token_of_another_flow(
    browser: Any, openid: Any, tools: Any, admin: Any, member: Any, reasons: Any
) -> None:
    """A token that was made for another request is refused by its nonce, however good."""
    other = openid.authorize(await browser.begin(), admin.email)
    code = parse_qs(urlsplit(other).query)["code"][0]
    token = openid.id_token(openid.issued[code])
    openid.tokens = {"id_token": token}
    assert await attacked(browser, openid, tools, member.email) == "refused"
    assert await reasons() == ["nonce"]


async def test_answers_that_are_refusals(
    browser: Any, openid: Any, tools: Any, member: Any, reasons: Any
) -> None:
    """An error, another issuer's answer (RFC 9207), a lacking code or token, a parameter twice."""
    email = member.email
    assert await attacked(browser, openid, tools, email, error="access_denied") == "refused"
    assert await attacked(browser, openid, tools, email, iss="https://evil.example") == "refused"
    assert await attacked(browser, openid, tools, email, code="") == "refused"
    openid.tokens = {"id_token": None}
    assert await attacked(browser, openid, tools, email) == "refused"
    assert await reasons() == ["status", "issuer", "code", "token"]
    openid.tokens = {}
    url, sent = openid.authorize(await browser.begin(), email), len(openid.forms)
    assert tools.outcome(await browser.land(url + "&code=another")) == "refused"
    assert len(openid.forms) == sent, "neither of the two was tried"
    assert await browser.who() is None


async def test_an_issuer_that_names_itself_must(
    browser: Any, openid: Any, tools: Any, member: Any, reasons: Any
) -> None:
    """Where the provider says that its answers carry `iss`, one without is refused."""
    openid.discovery = {"authorization_response_iss_parameter_supported": True}
    assert await attacked(browser, openid, tools, member.email) == "refused"
    assert await reasons() == ["issuer"]
    await browser.land(openid.authorize(await browser.begin(), member.email, iss=openid.issuer))
    assert await browser.who() == member.email


async def test_discovery_that_points_elsewhere(
    browser: Any, openid: Any, tools: Any, clock: Any
) -> None:
    """Another issuer's document, addresses without TLS, inside our network or missing: refused."""
    start = f"/v1/sso/{browser.provider_id}/start"
    for changed in (
        {"issuer": "https://evil.example"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"userinfo_endpoint": "https://user:password@evil.example/"},
    ):
        openid.discovery = changed
        answer = await browser.http.get(start)
        assert tools.outcome(answer.headers["location"]) == "refused", changed
    openid.discovery = {"token_endpoint": None}
    answer = await browser.http.get(start)
    assert tools.outcome(answer.headers["location"]) == "unavailable"


async def test_the_secret_is_not_sent_into_our_network(
    browser: Any, openid: Any, tools: Any, member: Any, reasons: Any
) -> None:
    """An endpoint at an address that the egress guard refuses is not asked."""
    openid.discovery = {"token_endpoint": "https://10.0.0.1/token"}
    assert await attacked(browser, openid, tools, member.email) == "refused"
    assert await reasons() == ["address"]


async def test_another_organisations_provider(
    browse: Any, openid: Any, tools: Any, member: Any, sign_in: Any, kit: Any, client: Any
) -> None:
    """The same issuer, set up by another organisation, opens no account of this one; an attempt at
    one is not answered through the other."""
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    body = {"scheme": "OIDC", "name": "Evil", "issuer": openid.issuer, "clientId": "coop"}
    made = await stranger.make("/v1/identity-providers", {**body, "clientSecret": openid.secret})
    evil = browse(made["id"])
    assert await attacked(evil, openid, tools, member.email) == "no-account"
    victim = browse(client["id"])
    url = openid.authorize(await victim.begin(), member.email)
    moved = url.replace(client["id"], made["id"])
    assert tools.outcome(await victim.land(moved)) == "expired"
    assert await victim.who() is None
