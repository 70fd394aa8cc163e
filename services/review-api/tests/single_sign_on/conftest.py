"""Identity providers run by the tests, honest unless told otherwise, and browsers between them.

The SAML provider signs with signxml; `test_interoperability` has one of other makers.
"""

from __future__ import annotations

import base64
import uuid
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureMethod
from signxml.signer import XMLSigner
from sqlalchemy import select

from coop_contracts.permission import Role
from coop_review_api.kernel.schema import audit_log
from coop_review_api.process.application import limited
from coop_runtime.database.engine import transaction

P = "urn:oasis:names:tc:SAML:2.0:protocol"
A = "urn:oasis:names:tc:SAML:2.0:assertion"
M = "urn:oasis:names:tc:SAML:2.0:metadata"
DS = "http://www.w3.org/2000/09/xmldsig#"
CM = "urn:oasis:names:tc:SAML:2.0:cm"
EXCLUSIVE = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0


@dataclass(frozen=True)
class Pair:
    """A key and its certificate (PEM)."""

    key: Any
    certificate: str


@cache
def pair(name: str, *, bits: int = 2048, days: int = 365, curve: bool = False) -> Pair:
    """A key pair of that name, made once."""
    key = (
        ec.generate_private_key(ec.SECP256R1())
        if curve
        else rsa.generate_private_key(public_exponent=65537, key_size=bits)
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return Pair(key, made.public_bytes(Encoding.PEM).decode())


def pem(key: Any) -> bytes:
    """A private key as PEM."""
    made: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made


@dataclass(frozen=True)
class Asked:
    """An AuthnRequest as a provider reads it."""

    id: str
    issuer: str
    acs: str
    destination: str = ""
    relay_state: str = ""
    root: Any = None


def asked(url: str) -> Asked:
    """What the redirect to the provider says."""
    query = parse_qs(urlsplit(url).query)
    packed = base64.b64decode(query["SAMLRequest"][0])
    root = etree.fromstring(zlib.decompress(packed, wbits=-15))
    return Asked(
        id=root.attrib["ID"],
        issuer=root.findtext(f"{{{A}}}Issuer", ""),
        acs=root.attrib["AssertionConsumerServiceURL"],
        destination=root.attrib["Destination"],
        relay_state=query["RelayState"][0],
        root=root,
    )


def _attribute(name: str, value: str) -> str:
    return f'{name}="{value}"' if value else ""


def stamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Idp:
    """A SAML identity provider. What it says of each response can be changed for an attack."""

    clock: Callable[[], datetime]
    entity_id: str = "https://idp.example/entity"
    sso_url: str = "https://idp.example/sso?app=1"
    pair: Pair = field(default_factory=lambda: pair("idp"))
    method: SignatureMethod = SignatureMethod.RSA_SHA256

    def metadata(self, *, sso_url: str | None = None, more: str = "") -> str:
        certificate = "".join(self.pair.certificate.splitlines()[1:-1])
        return f"""<?xml version="1.0"?>
        <md:EntityDescriptor xmlns:md="{M}" xmlns:ds="{DS}" entityID="{self.entity_id}">{more}
          <md:IDPSSODescriptor protocolSupportEnumeration="{P}">
            <md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data>
              <ds:X509Certificate>{certificate}</ds:X509Certificate>
            </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
            <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
              Location="https://idp.example/post"/>
            <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
              Location="{sso_url or self.sso_url}"/>
          </md:IDPSSODescriptor>
        </md:EntityDescriptor>"""

    def respond(self, to: Asked, email: str, *, sign: str = "assertion", **said: Any) -> bytes:
        """A response; `said` replaces what an honest provider says, `sign` names what it signs."""
        root = self.response(to, email, **said)
        if sign in ("assertion", "both"):
            found = root.find(f"{{{A}}}Assertion")
            root.replace(found, self.signed(found))
        if sign in ("response", "both"):
            root = self.signed(root)
        return etree.tostring(root)

    def response(self, to: Asked, email: str, **said: Any) -> Any:
        """The response's tree, unsigned."""
        now = self.clock()
        value = {
            "issuer": self.entity_id,
            "audience": to.issuer,
            "recipient": to.acs,
            "destination": to.acs,
            "in_response_to": to.id,
            "subject_in_response_to": said.get("in_response_to", to.id),
            "not_before": now - timedelta(minutes=1),
            "not_on_or_after": now + timedelta(minutes=5),
            "session_until": now + timedelta(hours=8),
            "assertion_id": f"_{uuid.uuid4().hex}",
            "status": "urn:oasis:names:tc:SAML:2.0:status:Success",
            "method": f"{CM}:bearer",
            "condition": "",
            "attributes": "",
            **said,
        }
        answers = _attribute("InResponseTo", value["in_response_to"])
        confirms = _attribute("InResponseTo", value["subject_in_response_to"])
        destination = _attribute("Destination", value["destination"])
        text = f"""<samlp:Response xmlns:samlp="{P}" xmlns:saml="{A}" ID="_{uuid.uuid4().hex}"
            Version="2.0" IssueInstant="{stamp(now)}" {destination} {answers}>
          <saml:Issuer>{value["issuer"]}</saml:Issuer>
          <samlp:Status><samlp:StatusCode Value="{value["status"]}"/></samlp:Status>
          <saml:Assertion ID="{value["assertion_id"]}" Version="2.0" IssueInstant="{stamp(now)}">
            <saml:Issuer>{value["issuer"]}</saml:Issuer>
            <saml:Subject>
              <saml:NameID>{email}</saml:NameID>
              <saml:SubjectConfirmation Method="{value["method"]}">
                <saml:SubjectConfirmationData Recipient="{value["recipient"]}" {confirms}
                  NotOnOrAfter="{stamp(value["not_on_or_after"])}"/>
              </saml:SubjectConfirmation>
            </saml:Subject>
            <saml:Conditions NotBefore="{stamp(value["not_before"])}"
                NotOnOrAfter="{stamp(value["not_on_or_after"])}">
              <saml:AudienceRestriction>
                <saml:Audience>{value["audience"]}</saml:Audience>
              </saml:AudienceRestriction>{value["condition"]}
            </saml:Conditions>
            <saml:AuthnStatement AuthnInstant="{stamp(now)}"
                SessionNotOnOrAfter="{stamp(value["session_until"])}">
              <saml:AuthnContext><saml:AuthnContextClassRef>x</saml:AuthnContextClassRef>
              </saml:AuthnContext>
            </saml:AuthnStatement>{value["attributes"]}
          </saml:Assertion>
        </samlp:Response>"""
        return etree.fromstring(text)

    def signed(self, element: Any) -> Any:
        """The element with an enveloped signature after its issuer."""
        element = deepcopy(element)
        place = etree.SubElement(element, f"{{{DS}}}Signature", Id="placeholder", nsmap={"ds": DS})
        element.remove(place)
        element.insert(1, place)
        signer = XMLSigner(
            signature_algorithm=self.method,
            digest_algorithm="sha256",
            c14n_algorithm=EXCLUSIVE,
        )
        return signer.sign(
            element,
            key=self.pair.key,
            cert=self.pair.certificate,
            reference_uri=element.get("ID"),
            id_attribute="ID",
        )


@dataclass
class Browser:
    """A person's browser, with its cookies; pages of other sites post without them."""

    http: httpx.AsyncClient
    foreign: httpx.AsyncClient
    provider_id: str

    async def begin(self, **params: str) -> str:
        """Where the provider is."""
        answer = await self.http.get(f"/v1/sso/{self.provider_id}/start", params=params)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def post(
        self, response: bytes, relay_state: str | None, provider_id: str | None = None
    ) -> str:
        """The provider's page posts its response; where that leads."""
        form = {"SAMLResponse": base64.b64encode(response).decode()}
        if relay_state is not None:
            form["RelayState"] = relay_state
        answer = await self.foreign.post(
            f"/v1/sso/{provider_id or self.provider_id}/acs",
            data=form,
            headers={"Origin": "https://idp.example"},
        )
        assert answer.status_code == 303, answer.text
        assert "set-cookie" not in answer.headers
        return answer.headers["location"]

    async def land(self, url: str) -> str:
        """Follow a redirect to us; where that leads."""
        answer = await self.http.get(url)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def who(self) -> str | None:
        """The address of whoever is signed in."""
        answer = await self.http.get("/v1/session")
        return answer.json()["user"]["email"] if answer.status_code == 200 else None


def outcome(url: str) -> str:
    """What the console's page for signing in is told."""
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "http://console/sign-in", url
    return parse_qs(parts.query)["singleSignOn"][0]


@pytest.fixture
def tools() -> Any:
    """What tests call by name."""

    class Tools:
        asked = staticmethod(asked)
        outcome = staticmethod(outcome)
        pair = staticmethod(pair)
        pem = staticmethod(pem)
        stamp = staticmethod(stamp)
        idp = Idp
        to = Asked

    return Tools


@pytest.fixture
def idp(clock: Any) -> Idp:
    return Idp(clock)


Browse = Callable[[str], Browser]


@pytest.fixture
async def browse(app: Any, context: Any) -> AsyncIterator[Browse]:
    """Makes browsers that sign in at a provider."""
    clients: list[httpx.AsyncClient] = []

    def client() -> httpx.AsyncClient:
        served = limited(app, max_body=context.settings.review_max_body)
        made = httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://review")
        clients.append(made)
        return made

    yield lambda provider_id: Browser(client(), client(), provider_id)
    for made in clients:
        await made.aclose()


@pytest.fixture
async def saml(admin: Any, idp: Idp) -> dict[str, Any]:
    """The organisation's SAML provider, as the API shows it."""
    body = {"scheme": "SAML", "name": "Okta", "metadataXml": idp.metadata()}
    made: dict[str, Any] = await admin.make("/v1/identity-providers", body)
    return made


@pytest.fixture
async def browser(browse: Browse, saml: dict[str, Any]) -> Browser:
    return browse(saml["id"])


@pytest.fixture
async def member(sign_in: Any) -> Any:
    """An active account of the organisation."""
    return await sign_in(Role.MODERATOR)


@pytest.fixture
def reasons(engine: Any, org: Any) -> Callable[[], Awaitable[list[str]]]:
    """Why single sign-ons of the organisation were refused, by the audit log."""

    async def read() -> list[str]:
        async with transaction(engine) as connection:
            found = await connection.scalars(
                select(audit_log.c.detail["reason"].astext)
                .where(
                    audit_log.c.org_id == org.org_id,
                    audit_log.c.action == "session.refused",
                    audit_log.c.target_kind == "identity-provider",
                )
                .order_by(audit_log.c.audit_id)
            )
            return list(found)

    return read
