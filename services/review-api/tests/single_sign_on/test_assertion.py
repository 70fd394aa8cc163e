"""Each demand on a response by itself: all else holds, so that no other guard could refuse it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import xmlsec
from lxml import etree

from coop_review_api.single_sign_on import assertion, xml
from coop_review_api.single_sign_on.error import SignInRefused

A = "{urn:oasis:names:tc:SAML:2.0:assertion}"
P = "{urn:oasis:names:tc:SAML:2.0:protocol}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
ACS = "https://us.example/acs"
EMAIL = "person@acme.example"

Change = Callable[[Any], Any]


@pytest.fixture
def read(idp: Any, tools: Any, clock: Any) -> Callable[..., assertion.Assertion]:
    """Reads a response whose assertion was changed before it was signed, or which was changed
    afterwards around it."""

    def reading(
        inside: Change | None = None, around: Change | None = None, attribute: str | None = None
    ) -> assertion.Assertion:
        to = tools.to(id="_request", issuer="https://us.example", acs=ACS)
        root = idp.response(to, EMAIL)
        found = root.find(f"{A}Assertion")
        if inside is not None:
            inside(found)
        root.replace(found, idp.signed(found))
        if around is not None:
            around(root)
        expected = assertion.ExpectedAssertion(
            issuer=idp.entity_id,
            certificates=[idp.pair.certificate],
            audience="https://us.example",
            recipient=ACS,
            in_response_to="_request",
            email_attribute=attribute,
            now=clock(),
        )
        return assertion.read(etree.tostring(root), expected)

    return reading


def test_an_honest_one_holds(read: Any) -> None:
    """What the cases below start from."""
    assert read().email == EMAIL


def _set(path: str, name: str, value: str | None) -> Change:
    def change(element: Any) -> None:
        found = element if path == "." else element.find(path)
        if value is None:
            del found.attrib[name]
        else:
            found.set(name, value)

    return change


def _text(path: str, value: str) -> Change:
    def change(element: Any) -> None:
        element.find(path).text = value

    return change


def _drop(path: str) -> Change:
    def change(element: Any) -> None:
        found = element.find(path)
        found.getparent().remove(found)

    return change


def _add(path: str, tag: str) -> Change:
    def change(element: Any) -> None:
        etree.SubElement(element.find(path), tag)

    return change


def _cut_in_two(element: Any) -> None:
    name = element.find(f"{A}Subject/{A}NameID")
    name.text = EMAIL
    etree.SubElement(name, f"{A}x").tail = ".evil.example"


CONFIRMED = f"{A}Subject/{A}SubjectConfirmation/{A}SubjectConfirmationData"
PAST = "2020-01-01T00:00:00Z"
OTHER = "https://other.example"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"

INSIDE: list[tuple[str, str, Change]] = [
    ("another version", "shape", _set(".", "Version", "1.1")),
    ("another issuer", "issuer", _text(f"{A}Issuer", OTHER)),
    ("an issuer that is no entity", "issuer", _set(f"{A}Issuer", "Format", TRANSIENT)),
    ("no conditions", "shape", _drop(f"{A}Conditions")),
    ("conditions that are over", "time", _set(f"{A}Conditions", "NotOnOrAfter", PAST)),
    ("no audience", "audience", _drop(f"{A}Conditions/{A}AudienceRestriction")),
    (
        "another audience",
        "audience",
        _text(f"{A}Conditions/{A}AudienceRestriction/{A}Audience", OTHER),
    ),
    ("a condition nobody knows", "condition", _add(f"{A}Conditions", f"{A}Condition")),
    ("nobody signed in", "shape", _drop(f"{A}AuthnStatement")),
    ("a session that is over", "time", _set(f"{A}AuthnStatement", "SessionNotOnOrAfter", PAST)),
    ("nobody confirmed", "recipient", _drop(f"{A}Subject/{A}SubjectConfirmation")),
    ("another recipient", "recipient", _set(CONFIRMED, "Recipient", OTHER)),
    ("no recipient", "recipient", _set(CONFIRMED, "Recipient", None)),
    ("another request", "request", _set(CONFIRMED, "InResponseTo", "_other")),
    ("no request", "request", _set(CONFIRMED, "InResponseTo", None)),
    ("no end", "time", _set(CONFIRMED, "NotOnOrAfter", None)),
    ("a confirmation that is over", "time", _set(CONFIRMED, "NotOnOrAfter", PAST)),
    ("a time without a zone", "time", _set(CONFIRMED, "NotOnOrAfter", "2099-01-01T00:00:00")),
    ("a time that is none", "time", _set(CONFIRMED, "NotOnOrAfter", "soon")),
    ("an address cut in two", "shape", _cut_in_two),
]


@pytest.mark.parametrize(
    ("reason", "change"), [one[1:] for one in INSIDE], ids=[one[0] for one in INSIDE]
)
def test_what_an_assertion_must_say(read: Any, reason: str, change: Change) -> None:
    """Signed by the right provider, and wrong in one thing."""
    with pytest.raises(SignInRefused) as refused:
        read(inside=change)
    assert refused.value.reason == reason


def _signature_elsewhere(root: Any) -> None:
    extensions = etree.Element(f"{P}Extensions")
    etree.SubElement(extensions, f"{DS}Signature")
    root.insert(1, extensions)


def _no_response(root: Any) -> None:
    root.tag = f"{P}ArtifactResponse"
    etree.SubElement(root, f"{P}Response")


def _second_assertion(root: Any) -> None:
    etree.SubElement(root, f"{A}Assertion", ID="_second")


AROUND: list[tuple[str, str, Change]] = [
    ("another version", "shape", _set(".", "Version", "1.1")),
    ("another issuer", "issuer", _text(f"{A}Issuer", OTHER)),
    ("another destination", "recipient", _set(".", "Destination", OTHER)),
    ("another request", "request", _set(".", "InResponseTo", "_other")),
    ("no request", "request", _set(".", "InResponseTo", None)),
    ("no status", "shape", _drop(f"{P}Status")),
    ("no success", "status", _set(f"{P}Status/{P}StatusCode", "Value", "x:y:Responder")),
    ("a signature elsewhere", "shape", _signature_elsewhere),
    ("another kind of message", "shape", _no_response),
    ("a second assertion", "shape", _second_assertion),
    ("an encrypted identifier", "encrypted", _add(f"{P}Status", f"{A}EncryptedID")),
]


@pytest.mark.parametrize(
    ("reason", "change"), [one[1:] for one in AROUND], ids=[one[0] for one in AROUND]
)
def test_what_a_response_must_say(read: Any, reason: str, change: Change) -> None:
    """Around an honest assertion, wrong in one thing."""
    with pytest.raises(SignInRefused) as refused:
        read(around=change)
    assert refused.value.reason == reason


@pytest.mark.parametrize("count", [0, 2])
def test_the_attribute_that_holds_the_address_is_one(read: Any, count: int) -> None:
    """Of two nobody knows which one counts."""

    def attributes(element: Any) -> None:
        statement = etree.SubElement(element, f"{A}AttributeStatement")
        for _ in range(count):
            attribute = etree.SubElement(statement, f"{A}Attribute", Name="email")
            etree.SubElement(attribute, f"{A}AttributeValue").text = EMAIL

    with pytest.raises(SignInRefused) as refused:
        read(inside=attributes, attribute="email")
    assert refused.value.reason == "email"


@pytest.mark.parametrize(
    ("reason", "document"),
    [
        ("xml", b'<?xml version="1.0" encoding="ISO-8859-1"?><r>\xc3\xa9</r>'),
        ("xml", b"<r>\xe9</r>"),
        ("doctype", b"<!DOCTYPE r><r/>"),
        ("doctype", b'<!DOCTYPE r [<!ENTITY e "x">]><r>&e;</r>'),
        ("comment", b"<r>a<!---->b</r>"),
        ("comment", b"<!----><r/>"),
        ("comment", b"<r/><?x y?>"),
        ("shape", b'<r><a ID="1"/><b ID="1"/></r>'),
        ("size", b"<r>" + b" " * xml.MAX_DOCUMENT + b"</r>"),
    ],
)
def test_xml_with_two_readings(reason: str, document: bytes) -> None:
    """What one program could read otherwise than another is not read."""
    with pytest.raises(SignInRefused) as refused:
        xml.parse(document)
    assert refused.value.reason == reason


def _sign_as_okta(element: Any, pair: Any, key: bytes) -> None:
    """By the library xmlsec, the prefix of the attributes' types named as inclusive."""
    known = xmlsec.constants
    place = xmlsec.template.create(
        element, known.TransformExclC14N, known.TransformRsaSha256, ns="ds"
    )
    element.insert(1, place)
    uri = "#" + element.get("ID")
    reference = xmlsec.template.add_reference(place, known.TransformSha256, uri=uri)
    xmlsec.template.add_transform(reference, known.TransformEnveloped)
    exclusive = xmlsec.template.add_transform(reference, known.TransformExclC14N)
    xmlsec.template.transform_add_c14n_inclusive_namespaces(exclusive, ["xs"])
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(place))
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(key, known.KeyDataFormatPem)
    context.key.load_cert_from_memory(pair.certificate.encode(), known.KeyDataFormatPem)
    context.register_id(element, "ID")
    context.sign(place)


TYPED = f"""<saml:AttributeStatement><saml:Attribute Name="email"><saml:AttributeValue
    xmlns:xs="http://www.w3.org/2001/XMLSchema"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:type="xs:string">{EMAIL}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"""


def test_a_response_as_okta_makes_it(idp: Any, tools: Any, clock: Any) -> None:
    """Assertion and response signed, attributes with a type, a certificate in KeyInfo, an opaque
    name identifier."""
    to = tools.to(id="_request", issuer="https://us.example", acs=ACS)
    root = idp.response(to, "00u1abcd", attributes=TYPED)
    for element in (root.find(f"{A}Assertion"), root):
        _sign_as_okta(element, idp.pair, tools.pem(idp.pair.key))
    document = etree.tostring(root)
    assert document.count(b'PrefixList="xs"') == 2
    expected = assertion.ExpectedAssertion(
        issuer=idp.entity_id,
        certificates=[idp.pair.certificate],
        audience="https://us.example",
        recipient=ACS,
        in_response_to="_request",
        email_attribute="email",
        now=clock(),
    )
    assert assertion.read(document, expected).email == EMAIL
