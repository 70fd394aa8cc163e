"""OpenID Connect, as an honest provider and an honest browser do it."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.engines


async def test_a_person_signs_in(browser: Any, openid: Any, member: Any, client: Any) -> None:
    """A verified address opens its account and takes the browser where it wanted to go; the client
    shows its secret, and a verifier that fits the challenge."""
    url = await browser.begin(returnTo="/queues?x=1")
    back = openid.authorize(url, member.email.upper())
    assert back.startswith(client["serviceProvider"]["redirectUri"] + "?")
    assert await browser.land(back) == "http://console/queues?x=1"
    assert await browser.who() == member.email
    (form,) = openid.forms
    challenge = parse_qs(urlsplit(url).query)["code_challenge"][0]
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge
    assert "client_secret" not in form


async def test_every_flow_has_its_own_values(browser: Any, openid: Any) -> None:
    """State, nonce and challenge differ from flow to flow, and the cookie is none of them."""
    first, second = [parse_qs(urlsplit(await browser.begin()).query) for _ in range(2)]
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
    cookie = browser.http.cookies["coop_sso"]
    assert cookie not in {value for values in first.values() for value in values}


async def test_a_secret_in_the_form(browser: Any, openid: Any, member: Any) -> None:
    """A provider that takes the client's secret by post alone gets it so."""
    openid.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    await browser.land(openid.authorize(await browser.begin(), member.email))
    assert await browser.who() == member.email
    assert openid.forms[0]["client_secret"] == openid.secret


async def test_a_public_client(
    browser: Any, openid: Any, member: Any, admin: Any, client: Any
) -> None:
    """Without a secret the verifier alone shows that it is us."""
    openid.secret = None
    body = {
        "scheme": "OIDC",
        "name": "OpenID",
        "issuer": openid.issuer,
        "clientId": "coop",
        "clientSecret": "",
    }
    path = f"/v1/identity-providers/{client['id']}"
    answer = await admin.call("PUT", path, body)
    assert answer.json()["hasClientSecret"] is False
    await browser.land(openid.authorize(await browser.begin(), member.email))
    assert await browser.who() == member.email


async def test_the_address_may_come_from_userinfo(
    browser: Any, openid: Any, member: Any, tools: Any, reasons: Any
) -> None:
    """A thin ID token is completed by userinfo about the same subject, verified like the token."""
    openid.claims = {"email": None, "email_verified": None}
    openid.said = {"sub": "subject", "email": member.email, "email_verified": True}
    await browser.land(openid.authorize(await browser.begin(), member.email))
    assert await browser.who() == member.email
    for said in (
        {**openid.said, "sub": "another"},
        {**openid.said, "email_verified": False},
        {"sub": "subject"},
    ):
        openid.said = said
        left = await browser.land(openid.authorize(await browser.begin(), member.email))
        assert tools.outcome(left) == "refused"
    openid.said = {"sub": "subject", "email": member.email, "email_verified": True}
    openid.claims["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA"
    left = await browser.land(openid.authorize(await browser.begin(), member.email))
    assert tools.outcome(left) == "refused"
    assert await reasons() == ["token", "unverified", "email", "token"]


async def test_another_claim_at_the_administrators_word(
    browse: Any, openid: Any, member: Any, admin: Any
) -> None:
    """A claim that an administrator names needs no `email_verified`."""
    body = {
        "scheme": "OIDC",
        "name": "Entra",
        "issuer": openid.issuer,
        "clientId": "coop",
        "clientSecret": openid.secret,
        "emailAttribute": "preferred_username",
    }
    browser = browse((await admin.make("/v1/identity-providers", body))["id"])
    openid.claims = {"preferred_username": member.email, "email": "other@x.example"}
    openid.claims["email_verified"] = None
    await browser.land(openid.authorize(await browser.begin(), "unused"))
    assert await browser.who() == member.email


async def test_keys_rotate(
    browser: Any, openid: Any, member: Any, clock: Any, keys: Any, tools: Any
) -> None:
    """A key that is new at the provider is found, but nobody makes us ask again and again."""
    await browser.land(openid.authorize(await browser.begin(), member.email))
    openid.key, openid.key_id = keys.new(), "key-2"
    openid.asked.clear()
    left = await browser.land(openid.authorize(await browser.begin(), member.email))
    assert tools.outcome(left) == "refused"  # it was asked just now
    assert "/keys" not in openid.asked
    clock.forward(seconds=31)
    browser.http.cookies.clear()
    await browser.land(openid.authorize(await browser.begin(), member.email))
    assert await browser.who() == member.email
    assert openid.asked.count("/keys") == 1


async def test_a_provider_that_is_away(
    browser: Any, openid: Any, member: Any, tools: Any, reasons: Any
) -> None:
    """A provider that fails is said to be unavailable, at the start and at the end."""
    openid.status = {"/.well-known/openid-configuration": 503}
    answer = await browser.http.get(f"/v1/sso/{browser.provider_id}/start")
    assert tools.outcome(answer.headers["location"]) == "unavailable"
    openid.status = {"/token": 502}
    left = await browser.land(openid.authorize(await browser.begin(), member.email))
    assert tools.outcome(left) == "unavailable"
    assert await reasons() == ["status"]
    assert await browser.who() is None


async def test_each_scheme_has_its_own_addresses(browser: Any, browse: Any, saml: Any) -> None:
    """No response of SAML is read for an OpenID provider, and no code taken for one of SAML."""
    form = {"SAMLResponse": "x", "RelayState": "x"}
    path = f"/v1/sso/{browser.provider_id}"
    assert (await browser.http.post(f"{path}/acs", data=form)).status_code == 404
    for what in ("metadata", "finish?ticket=x"):
        assert (await browser.http.get(f"{path}/{what}")).status_code == 404
    other = browse(saml["id"])
    answer = await other.http.get(f"/v1/sso/{saml['id']}/callback?code=x&state=x")
    assert answer.status_code == 404
