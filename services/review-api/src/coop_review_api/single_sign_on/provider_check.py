"""Whether an identity provider's document can be used to sign people in.

Guarantees: what passes names everything its scheme needs and nothing of the other; browsers and
secrets go to https addresses only; certificates are readable, their keys strong enough.
"""

from __future__ import annotations

from collections.abc import Iterator

from coop_contracts.config import IdentityProvider
from coop_contracts.error import pointer
from coop_review_api.kernel.error import Fault
from coop_review_api.single_sign_on.certificate import (
    MAX_CERTIFICATES,
    CertificateError,
    load,
)
from coop_review_api.single_sign_on.web_address import is_safe

_OF_SAML = ("entity_id", "sso_url", "certificates", "metadata_url")
_OF_OIDC = ("issuer", "client_id", "client_secret")
_NOT_SAFE = "must be an https URL, without user, password or fragment"


def check_identity_provider(document: IdentityProvider) -> Iterator[Fault]:
    """Faults of a provider by itself."""
    strange = _OF_OIDC if document.scheme == "SAML" else _OF_SAML
    for name in strange:
        if getattr(document, name):
            yield Fault(f"/{_camel(name)}", f"has no meaning with {document.scheme}")
    if document.scheme == "SAML":
        yield from _saml(document)
    else:
        yield from _oidc(document)


def _saml(document: IdentityProvider) -> Iterator[Fault]:
    if not document.entity_id:
        yield Fault("/entityId", "required")
    if document.sso_url is None or not is_safe(document.sso_url):
        yield Fault("/ssoUrl", _NOT_SAFE)
    if document.metadata_url is not None and not is_safe(document.metadata_url):
        yield Fault("/metadataUrl", _NOT_SAFE)
    if not 1 <= len(document.certificates) <= MAX_CERTIFICATES:
        yield Fault("/certificates", f"1 to {MAX_CERTIFICATES} certificates")
    for position, pem in enumerate(document.certificates):
        try:
            load(pem)
        except CertificateError as error:
            yield Fault(pointer("certificates", position), str(error))


def _oidc(document: IdentityProvider) -> Iterator[Fault]:
    issuer = document.issuer
    if issuer is None or not is_safe(issuer) or "?" in issuer:
        yield Fault("/issuer", _NOT_SAFE + " or query")
    if not document.client_id:
        yield Fault("/clientId", "required")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
