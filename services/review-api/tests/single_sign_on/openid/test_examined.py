"""An OpenID provider is asked when it is saved: what could sign nobody in is a fault, by field."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.engines

PATH = "/v1/identity-providers"


def body_of(openid: Any, **more: Any) -> dict[str, Any]:
    return {
        "scheme": "OIDC",
        "name": "OpenID",
        "issuer": openid.issuer,
        "clientId": openid.client_id,
        "clientSecret": openid.secret,
        **more,
    }


async def refused(admin: Any, body: dict[str, Any]) -> tuple[str, str]:
    """The one fault: where, and why."""
    answer = await admin.call("POST", PATH, body)
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["errors"]
    return fault["pointer"], fault["reason"]


DISCOVERY: list[tuple[dict[str, Any], str]] = [
    ({"issuer": "https://evil.example"}, "another issuer"),
    ({"token_endpoint": None}, "no token_endpoint"),
    ({"authorization_endpoint": "http://evil.example/authorize"}, "authorization_endpoint"),
    ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri"),
    ({"token_endpoint": "https://10.0.0.1/token"}, "token_endpoint"),
    ({"userinfo_endpoint": "https://169.254.169.254/"}, "userinfo_endpoint"),
    ({"id_token_signing_alg_values_supported": ["HS256", "none"]}, "id_token_signing_alg"),
    ({"response_types_supported": ["id_token"]}, "response_types_supported"),
    ({"code_challenge_methods_supported": ["plain"]}, "code_challenge_methods_supported"),
    ({"scopes_supported": ["email"]}, "scopes_supported"),
]


async def test_discovery_that_signs_nobody_in(admin: Any, openid: Any) -> None:
    """Each names the field of the body, and what of the discovery document is wrong."""
    for said, reason in DISCOVERY:
        openid.discovery = said
        pointer, told = await refused(admin, body_of(openid))
        assert (pointer, reason in told) == ("/issuer", True), (said, told)
    openid.discovery = {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}
    assert (await refused(admin, body_of(openid)))[0] == "/clientSecret"
    assert (await admin.call("GET", PATH)).json()["items"] == []
    openid.discovery = {
        "id_token_signing_alg_values_supported": ["HS256", "RS256"],
        "response_types_supported": ["code", "id_token"],
        "scopes_supported": ["openid"],
    }
    await admin.make(PATH, body_of(openid))


async def test_keys_that_sign_nothing(admin: Any, openid: Any, keys: Any) -> None:
    """No key, none for signing, one too short, or no key set at all."""
    good = keys.public(openid.key, "key-1")
    for found in (
        [{"kty": "oct", "k": "a", "kid": "key-1"}],
        [{**good, "use": "enc"}],
        [keys.public(keys.new(1024), "key-1")],
        [{**good, "n": "!"}],
    ):
        openid.keys = found
        assert (await refused(admin, body_of(openid)))[0] == "/issuer"
    openid.status = {"/keys": 404}
    assert "answered 404" in (await refused(admin, body_of(openid)))[1]


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys"])
@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"<html>", "is not JSON"),
        (b'{"issuer":"caf\xe9"}', "is not in UTF-8"),
        (b'{"keys":[' + b"[" * 500 + b"]" * 500 + b"]}", "nests deeper than 64"),
        (b"[" * 100_000, "nests deeper than 64"),
        (b"[]", "did not answer with a JSON object"),
        (b" " * 3_000_000, "has more than"),
    ],
    ids=["html", "latin-1", "deep", "deeper", "list", "large"],
)
async def test_answers_that_cannot_be_read(
    admin: Any, openid: Any, path: str, raw: bytes, reason: str
) -> None:
    """Whatever is there, it is a fault that says what is wrong with it, never an error of ours."""
    openid.raw = {path: raw}
    pointer, told = await refused(admin, body_of(openid))
    assert (pointer, reason in told) == ("/issuer", True), told


async def test_a_provider_that_is_not_there(admin: Any, openid: Any) -> None:
    """Nobody answers, or with an error: a fault now, rather than for everybody tomorrow. Turned off
    it may be saved, and is asked when it is turned on."""
    openid.status = {"/.well-known/openid-configuration": 404}
    pointer, told = await refused(admin, body_of(openid))
    assert pointer == "/issuer"
    assert "answered 404" in told
    pointer, told = await refused(admin, body_of(openid, issuer="http://127.0.0.1:1"))
    assert pointer == "/issuer"
    assert "does not answer" in told
    made = await admin.make(PATH, body_of(openid, enabled=False))
    path = f"{PATH}/{made['id']}"
    assert (await admin.call("PUT", path, body_of(openid))).status_code == 422
    openid.status = {}
    assert (await admin.call("PUT", path, body_of(openid))).status_code == 200


async def test_an_outage_keeps_nothing_else_from_being_changed(
    admin: Any, openid: Any, client: Any
) -> None:
    """While the provider is away it can be renamed, given another secret, and turned off; another
    issuer is asked."""
    openid.status = {"/.well-known/openid-configuration": 503}
    path = f"{PATH}/{client['id']}"
    renamed = body_of(openid, name="Renamed", clientSecret="another")
    assert (await admin.call("PUT", path, renamed)).status_code == 200
    other = body_of(openid, issuer=f"{openid.issuer}/other")
    assert (await admin.call("PUT", path, other)).status_code == 422
    assert (await admin.call("PUT", path, body_of(openid, enabled=False))).status_code == 200
