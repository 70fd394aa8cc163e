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
import xmlsec
from lxml import etree

# Their makers import what is deprecated: imports are in functions, where this mark holds.
pytestmark = [pytest.mark.engines, pytest.mark.filterwarnings("ignore")]

ENTITY = "https://pysaml2.example/idp"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"


def sign(backend: Any, statement: Any, node_name: str, key_file: str, node_id: str) -> str:
    """pysaml2's way to have something signed, by the library xmlsec rather than its command."""
    data = statement if isinstance(statement, bytes) else str(statement).encode()
    root = etree.fromstring(data)
    (found,) = root.xpath("//*[@ID=$id]", id=node_id)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_file(key_file, xmlsec.constants.KeyDataFormatPem)
    context.register_id(found, "ID")
    context.sign(found.find("{http://www.w3.org/2000/09/xmldsig#}Signature"))
    return str(etree.tostring(root).decode())


@pytest.fixture
def pysaml2(tmp_path: Path, tools: Any, monkeypatch: Any) -> Any:
    """Makes configurations of pysaml2's provider."""
    from saml2 import BINDING_HTTP_REDIRECT
    from saml2.config import IdPConfig

    pair = tools.pair("pysaml2")
    (tmp_path / "key.pem").write_bytes(tools.pem(pair.key))
    (tmp_path / "cert.pem").write_text(pair.certificate)
    monkeypatch.setattr("saml2.sigver.CryptoBackendXmlSec1.sign_statement", sign)
    monkeypatch.setattr("saml2.metadata.algorithm_support_in_metadata", lambda command: [])

    def configured(**more: Any) -> Any:
        return IdPConfig().load(
            {
                "entityid": ENTITY,
                "xmlsec_binary": "/bin/true",  # must be there, and is not called
                "service": {
                    "idp": {
                        "endpoints": {
                            "single_sign_on_service": [
                                ("https://pysaml2.example/sso", BINDING_HTTP_REDIRECT)
                            ]
                        },
                        "policy": {"default": {"lifetime": {"minutes": 5}}},
                        "name_id_format": [EMAIL],
                    }
                },
                "key_file": str(tmp_path / "key.pem"),
                "cert_file": str(tmp_path / "cert.pem"),
                **more,
            }
        )

    return configured


async def test_pysaml2(pysaml2: Any, admin: Any, browse: Any, member: Any) -> None:
    """pysaml2's provider understands our metadata and request, and we its metadata and answer."""
    from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
    from saml2.metadata import entity_descriptor
    from saml2.saml import NameID
    from saml2.server import Server
    from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

    told = str(entity_descriptor(pysaml2()))
    body = {"scheme": "SAML", "name": "pysaml2", "metadataXml": told}
    made = await admin.make("/v1/identity-providers", body)
    assert made["entityId"] == ENTITY
    browser = browse(made["id"])
    ours = await browser.http.get(made["serviceProvider"]["entityId"])
    provider = Server(config=pysaml2(metadata={"inline": [ours.text]}))
    for signs in ({"assertion"}, {"response"}, {"assertion", "response"}):
        browser.http.cookies.clear()
        query = parse_qs(urlsplit(await browser.begin()).query)
        request = provider.parse_authn_request(query["SAMLRequest"][0], BINDING_HTTP_REDIRECT)
        answer = provider.response_args(request.message, [BINDING_HTTP_POST])
        assert answer["destination"] == made["serviceProvider"]["acsUrl"]
        response = provider.create_authn_response(
            {"mail": member.email},
            userid=member.email,
            name_id=NameID(format=EMAIL, text=member.email),
            authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"},
            sign_assertion="assertion" in signs,
            sign_response="response" in signs,
            sign_alg=SIG_RSA_SHA256,
            digest_alg=DIGEST_SHA256,
            **answer,
        )
        left = await browser.post(str(response).encode(), query["RelayState"][0])
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
