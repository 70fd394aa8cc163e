"""Sign-ins at identity providers of other makers: pysaml2 with the C library xmlsec, and
oidc-provider-mock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from .saml_provider import SamlProvider

# Their makers import what is deprecated: imports are in functions, where this mark holds.
pytestmark = [pytest.mark.engines, pytest.mark.filterwarnings("ignore")]


async def test_pysaml2(tmp_path: Path, admin: Any, browse: Any, member: Any) -> None:
    """pysaml2's provider understands our metadata and request, and we its metadata and answer."""
    from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT

    provider = SamlProvider(tmp_path, "https://pysaml2.example")
    body = {"scheme": "SAML", "name": "pysaml2", "metadataXml": provider.metadata()}
    made = await admin.make("/v1/identity-providers", body)
    assert made["entityId"] == provider.entity_id
    browser = browse(made["id"])
    ours = await browser.http.get(made["serviceProvider"]["entityId"])
    server = provider.server(ours.text)
    for signs in ({"assertion"}, {"response"}, {"assertion", "response"}):
        browser.http.cookies.clear()
        query = parse_qs(urlsplit(await browser.begin()).query)
        request = server.parse_authn_request(query["SAMLRequest"][0], BINDING_HTTP_REDIRECT)
        answer = server.response_args(request.message, [BINDING_HTTP_POST])
        assert answer["destination"] == made["serviceProvider"]["acsUrl"]
        response = provider.respond(server, member.email, frozenset(signs), **answer)
        left = await browser.post(response, query["RelayState"][0])
        await browser.land(left)
        assert await browser.who() == member.email


@pytest.fixture
def oidc_provider(member: Any) -> Iterator[str]:
    """The issuer of a running oidc-provider-mock that knows the member."""
    from oidc_provider_mock import User, run_server_in_thread

    known = User(sub="42", claims={"email": member.email, "email_verified": True})
    with run_server_in_thread(require_nonce=True, user_claims=[known]) as server:
        yield f"http://127.0.0.1:{server.server_port}"


async def test_oidc_provider_mock(oidc_provider: str, admin: Any, browse: Any, member: Any) -> None:
    """A provider made with authlib signs a person in."""
    body = {
        "scheme": "OIDC",
        "name": "authlib",
        "issuer": oidc_provider,
        "clientId": "coop",
        "clientSecret": "anything",
    }
    browser = browse((await admin.make("/v1/identity-providers", body))["id"])
    url = await browser.begin()
    async with httpx.AsyncClient(trust_env=False) as person:
        page = await person.get(url)
        assert re.search("<form", page.text)
        answer = await person.post(url, data={"sub": "42"})
    await browser.land(answer.headers["location"])
    assert await browser.who() == member.email
