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
from functools import cache

from cryptography.exceptions import UnsupportedAlgorithm

from coop_review_api.single_sign_on import certificate
from coop_review_api.single_sign_on.error import SignInRefused
from coop_review_api.single_sign_on.library import algorithms, etree, exceptions, verifier
from coop_review_api.single_sign_on.xml import SIGNATURE, Element, children, only

_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


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
    if method not in {one.value for one in _methods()}:
        raise SignInRefused("algorithm", f"signatures by {method} are not taken")
    digest = only(reference, SIGNATURE, "DigestMethod").get("Algorithm")
    if digest not in {one.value for one in _digests()}:
        raise SignInRefused("algorithm", f"digests by {digest} are not taken")


@cache
def _methods() -> frozenset[algorithms.SignatureMethod]:
    method = algorithms.SignatureMethod
    return frozenset(
        {
            method.RSA_SHA256,
            method.RSA_SHA384,
            method.RSA_SHA512,
            method.ECDSA_SHA256,
            method.ECDSA_SHA384,
            method.ECDSA_SHA512,
            method.SHA256_RSA_MGF1,
            method.SHA384_RSA_MGF1,
            method.SHA512_RSA_MGF1,
        }
    )


@cache
def _digests() -> frozenset[algorithms.DigestAlgorithm]:
    digest = algorithms.DigestAlgorithm
    return frozenset({digest.SHA256, digest.SHA384, digest.SHA512})


def _verify(data: bytes, pem: str, now: datetime) -> verifier.VerifyResult | None:
    """What this certificate signed of it, or None."""
    expected = verifier.SignatureConfiguration(
        location="./",
        signature_methods=_methods(),
        digest_algorithms=_digests(),
        ignore_ambiguous_key_info=True,  # nothing of KeyInfo counts
        verification_time=now,
    )
    try:
        found = verifier.XMLVerifier().verify(
            data, x509_cert=certificate.load(pem), id_attribute="ID", expect_config=expected
        )
    except (
        exceptions.SignXMLException,
        UnsupportedAlgorithm,
        etree.LxmlError,
        ValueError,
        TypeError,
        AttributeError,
    ):
        # The library meets malformed signatures with all of these.
        return None
    return found if isinstance(found, verifier.VerifyResult) else None


def _signed(result: verifier.VerifyResult, element: Element) -> Element:
    signed = result.signed_xml
    if signed is None or signed.tag != element.tag or signed.get("ID") != element.get("ID"):
        raise SignInRefused("signature", "the signature is about another element than its own")
    return signed
