"""SAML metadata: the identity provider's, read; ours, written.

Guarantees: of a provider's metadata just its entity ID, its sign-in address for HTTP-Redirect and
its signing certificates are taken; whatever of these cannot be used is refused with a reason.
Must not: trust a signature on metadata: it is the administrator who pastes it, or names the
address, and sees what was taken.
Source: SAML 2.0 metadata, bindings 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass

from coop_review_api.single_sign_on import certificate
from coop_review_api.single_sign_on.address import Addresses
from coop_review_api.single_sign_on.certificate import MAX_CERTIFICATES, CertificateError
from coop_review_api.single_sign_on.error import SignInRefused
from coop_review_api.single_sign_on.library import etree
from coop_review_api.single_sign_on.web_address import is_safe
from coop_review_api.single_sign_on.xml import (
    METADATA,
    PROTOCOL,
    SIGNATURE,
    Element,
    children,
    only,
    parse,
    qualified,
    text_of,
    within,
)

MEDIA_TYPE = "application/samlmetadata+xml"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
UNSPECIFIED_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"


@dataclass(frozen=True, kw_only=True)
class ProviderMetadata:
    """What is taken of a provider's metadata; certificates as PEM."""

    entity_id: str
    sso_url: str
    certificates: tuple[str, ...]


def read(document: bytes) -> ProviderMetadata:
    """What the metadata of one identity provider says. Raises `SignInRefused`."""
    root = parse(document)
    entity = _entity(root)
    role = only(entity, METADATA, "IDPSSODescriptor")
    if PROTOCOL not in role.get("protocolSupportEnumeration", "").split():
        raise SignInRefused("metadata", "the provider does not speak SAML 2.0")
    return ProviderMetadata(
        entity_id=_entity_id(entity), sso_url=_sso_url(role), certificates=_certificates(role)
    )


def write(addresses: Addresses, provider_id: str, *, by_name_identifier: bool) -> bytes:
    """Our metadata for one provider: whom assertions are for, and where they are posted."""
    names = {"md": METADATA}
    entity = etree.Element(
        qualified(METADATA, "EntityDescriptor"),
        {"entityID": addresses.metadata(provider_id)},
        nsmap=names,
    )
    role = etree.SubElement(
        entity,
        qualified(METADATA, "SPSSODescriptor"),
        {
            "AuthnRequestsSigned": "false",
            "WantAssertionsSigned": "true",
            "protocolSupportEnumeration": PROTOCOL,
        },
    )
    wanted = etree.SubElement(role, qualified(METADATA, "NameIDFormat"))
    wanted.text = EMAIL_FORMAT if by_name_identifier else UNSPECIFIED_FORMAT
    etree.SubElement(
        role,
        qualified(METADATA, "AssertionConsumerService"),
        {
            "Binding": POST,
            "Location": addresses.acs(provider_id),
            "index": "0",
            "isDefault": "true",
        },
    )
    return etree.tostring(entity, xml_declaration=True, encoding="UTF-8")


def _entity(root: Element) -> Element:
    if root.tag == qualified(METADATA, "EntityDescriptor"):
        return root
    if root.tag != qualified(METADATA, "EntitiesDescriptor"):
        raise SignInRefused("metadata", "not SAML metadata")
    providers = [
        one
        for one in within(root, METADATA, "EntityDescriptor")
        if children(one, METADATA, "IDPSSODescriptor")
    ]
    if len(providers) != 1:
        raise SignInRefused(
            "metadata", f"{len(providers)} identity providers where there must be one"
        )
    return providers[0]


def _entity_id(entity: Element) -> str:
    found = (entity.get("entityID") or "").strip()
    if not found:
        raise SignInRefused("metadata", "the provider has no entity ID")
    return found


def _sso_url(role: Element) -> str:
    for service in children(role, METADATA, "SingleSignOnService"):
        if service.get("Binding") == REDIRECT:
            found = service.get("Location", "")
            if not is_safe(found):
                raise SignInRefused("metadata", "the sign-in address must be an https URL")
            return found
    raise SignInRefused("metadata", "the provider takes no requests by HTTP-Redirect")


def _certificates(role: Element) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for key in children(role, METADATA, "KeyDescriptor"):
        if key.get("use", "signing") != "signing":
            continue
        for one in within(key, SIGNATURE, "X509Certificate"):
            try:
                found[certificate.of_base64(text_of(one))] = None
            except CertificateError as error:
                raise SignInRefused("metadata", f"a signing certificate: {error}") from None
    if not 1 <= len(found) <= MAX_CERTIFICATES:
        raise SignInRefused("metadata", f"1 to {MAX_CERTIFICATES} signing certificates are needed")
    return tuple(found)
