"""What of a SAML document was really signed, and by whom.

    element with a ds:Signature as a direct child
      ─▶ its form: one reference, to this very element; enveloped, exclusive c14n, no weak hash
      ─▶ verified under one of the configured certificates; KeyInfo is not looked at
      ─▶ the element, parsed anew from the bytes that the signature covers

Guarantees: a caller that reads the answer, and nothing else, reads only what was signed (XML
signature wrapping gains nothing); SHA-1 and HMAC are refused.
Must not: search: a signature anywhere else than where SAML puts it has no meaning.
Source: XML Signature 1.1; SAML 2.0 core, 5.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from coop_review_api.single_sign_on import certificate
from coop_review_api.single_sign_on.error import SignInRefused
from coop_review_api.single_sign_on.xml import SIGNATURE, Element, children, only

_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"

_METHODS = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.ECDSA_SHA384,
        SignatureMethod.ECDSA_SHA512,
        SignatureMethod.SHA256_RSA_MGF1,
        SignatureMethod.SHA384_RSA_MGF1,
        SignatureMethod.SHA512_RSA_MGF1,
    }
)
_DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})


def is_signed(element: Element) -> bool:
    """Whether it carries a signature, good or bad."""
    return bool(children(element, SIGNATURE, "Signature"))


def verified(element: Element, certificates: Sequence[str], *, now: datetime) -> Element:
    """The element as it was signed. `certificates` are PEMs, valid at `now`. Raises
    `SignInRefused`."""
    check_form(element)
    data = etree.tostring(element, with_tail=False)
    for pem in certificates:
        result = _verify(data, pem, now)
        if result is not None:
            return _signed(result, element)
    raise SignInRefused("signature", "no configured certificate, valid now, made this signature")


def check_form(element: Element) -> None:
    """The signature is about this element, whole, and uses nothing weak. Raises `SignInRefused`."""
    info = only(only(element, SIGNATURE, "Signature"), SIGNATURE, "SignedInfo")
    reference = only(info, SIGNATURE, "Reference")
    identifier = element.get("ID")
    if not identifier or reference.get("URI") != f"#{identifier}":
        raise SignInRefused("signature", "the signature is about another element than its own")
    if only(info, SIGNATURE, "CanonicalizationMethod").get("Algorithm") != _EXCLUSIVE:
        raise SignInRefused("algorithm", "only exclusive canonicalisation is taken")
    transforms = children(only(reference, SIGNATURE, "Transforms"), SIGNATURE, "Transform")
    if [one.get("Algorithm") for one in transforms] != [_ENVELOPED, _EXCLUSIVE]:
        raise SignInRefused(
            "algorithm", "only an enveloped signature, exclusively canonical, is taken"
        )
    method = only(info, SIGNATURE, "SignatureMethod").get("Algorithm")
    if method not in {one.value for one in _METHODS}:
        raise SignInRefused("algorithm", f"signatures by {method} are not taken")
    digest = only(reference, SIGNATURE, "DigestMethod").get("Algorithm")
    if digest not in {one.value for one in _DIGESTS}:
        raise SignInRefused("algorithm", f"digests by {digest} are not taken")


def _verify(data: bytes, pem: str, now: datetime) -> VerifyResult | None:
    """What this certificate signed of it, or None."""
    expected = SignatureConfiguration(
        location="./",
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        ignore_ambiguous_key_info=True,  # nothing of KeyInfo counts
        verification_time=now,
    )
    try:
        found = XMLVerifier().verify(
            data, x509_cert=certificate.load(pem), id_attribute="ID", expect_config=expected
        )
    except (
        SignXMLException,
        UnsupportedAlgorithm,
        etree.LxmlError,
        ValueError,
        TypeError,
        AttributeError,
    ):
        # The library meets malformed signatures with all of these.
        return None
    return found if isinstance(found, VerifyResult) else None


def _signed(result: VerifyResult, element: Element) -> Element:
    signed = result.signed_xml
    if signed is None or signed.tag != element.tag or signed.get("ID") != element.get("ID"):
        raise SignInRefused("signature", "the signature is about another element than its own")
    return signed
