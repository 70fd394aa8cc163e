"""What of a document a signature covers, without the guards that come before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from coop_review_api.single_sign_on import signature, xml
from coop_review_api.single_sign_on.error import SignInRefused

A = "{urn:oasis:names:tc:SAML:2.0:assertion}"


@pytest.fixture
def signed(idp: Any, tools: Any) -> Any:
    """An assertion as its provider signed it."""
    to = tools.to(id="_r", issuer="https://us.example", acs="https://us.example/acs")
    root = etree.fromstring(idp.respond(to, "admin@acme.example.evil.example"))
    return root.find(f"{A}Assertion")


def test_what_comes_back_is_parsed_from_the_signed_bytes(signed: Any, idp: Any) -> None:
    """Not the element that was given: in that, a comment that no signature covers cuts a text."""
    name = signed.find(f"{A}Subject/{A}NameID")
    name.text = "admin@acme.example"
    name.append(etree.Comment("x"))
    name[0].tail = ".evil.example"
    found = signature.verified(signed, [idp.pair.certificate], now=datetime.now(UTC))
    assert found is not signed
    assert found.findtext(f"{A}Subject/{A}NameID") == "admin@acme.example.evil.example"
    assert not signature.is_signed(found)


def test_one_of_several_certificates(signed: Any, idp: Any, tools: Any) -> None:
    """While a provider changes its certificate, the old and the new one both count."""
    several = [tools.pair("other").certificate, idp.pair.certificate]
    assert signature.verified(signed, several, now=datetime.now(UTC)).tag == signed.tag
    for none in ([], several[:1]):
        with pytest.raises(SignInRefused) as refused:
            signature.verified(signed, none, now=datetime.now(UTC))
        assert refused.value.reason == "signature"


def test_a_signature_is_about_its_own_element(signed: Any, idp: Any, monkeypatch: Any) -> None:
    """A forged assertion that carries a signature of another one, kept inside it, is refused for
    its form, and once more for what was signed."""
    forged = etree.fromstring(etree.tostring(signed))
    forged.set("ID", "_evil")
    named, carried = forged.find(f"{A}Subject/{A}NameID"), forged.find("{*}Signature")
    assert named is not None
    assert carried is not None
    named.text = "admin@acme.example"
    inside = etree.SubElement(carried, "{http://www.w3.org/2000/09/xmldsig#}Object")
    inside.append(etree.fromstring(etree.tostring(signed)))
    within = inside[0].find("{*}Signature")
    assert within is not None
    inside[0].remove(within)
    with pytest.raises(SignInRefused):
        signature.check_form(forged)
    monkeypatch.setattr(signature, "check_form", lambda element: None)
    with pytest.raises(SignInRefused):
        signature.verified(forged, [idp.pair.certificate], now=datetime.now(UTC))


def test_an_id_twice(signed: Any) -> None:
    """Two elements of one ID, between which a reference could choose, are refused."""
    twin = etree.fromstring(etree.tostring(signed))
    root = etree.Element("r")
    root.extend([signed, twin])
    with pytest.raises(SignInRefused) as refused:
        xml.parse(etree.tostring(root))
    assert refused.value.reason == "shape"


def test_a_broken_signature_is_no_crash(signed: Any, idp: Any) -> None:
    """Whatever part is emptied or replaced, the answer is a refusal."""
    whole = etree.tostring(signed)
    parts = [node.tag for node in signed.find("{*}Signature").iter() if isinstance(node.tag, str)]
    for tag in parts:
        for change in ("empty", "text", "remove", "double"):
            element = etree.fromstring(whole)
            node = next(element.iter(tag))
            parent = node.getparent()
            assert parent is not None
            if change == "empty":
                node.clear()
            elif change == "text":
                node.text = "\u00e9 not base64 !"
            elif change == "remove":
                parent.remove(node)
            else:
                parent.append(etree.fromstring(etree.tostring(node)))
            try:
                found = signature.verified(element, [idp.pair.certificate], now=datetime.now(UTC))
            except SignInRefused:
                continue
            # KeyInfo is not looked at, and not covered.
            assert "KeyInfo" in tag or "X509" in tag, (tag, change)
            assert found.findtext(f"{A}Subject/{A}NameID") == "admin@acme.example.evil.example"
