"""Identity providers on this API's wire: what comes in and what goes out.

Guarantees: a client's secret goes out to nobody.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from coop_contracts.config import IdentityProvider
from coop_review_api.configuration.document_model import Id, Name, Stamped, Url
from coop_review_api.configuration.resource import Presentation
from coop_review_api.http.body import Body, Model
from coop_review_api.single_sign_on import certificate
from coop_review_api.single_sign_on.certificate import MAX_CERTIFICATE, MAX_CERTIFICATES
from coop_review_api.single_sign_on.client import SingleSignOn
from coop_review_api.single_sign_on.metadata import ProviderMetadata
from coop_review_api.single_sign_on.xml import MAX_DOCUMENT

Text1024 = Annotated[str, Field(min_length=1, max_length=1024)]
MetadataXml = Annotated[str, Field(min_length=1, max_length=MAX_DOCUMENT)]
_Certificate = Annotated[str, Field(max_length=MAX_CERTIFICATE)]


class IdentityProviderBody(Body):
    """SAML: `metadataXml`, or `metadataUrl` (fetched now, and again whenever this is sent), or
    `entityId`, `ssoUrl` and `certificates` (PEM). `emailAttribute` is the assertion's attribute
    that holds the e-mail address; null: the name identifier.

    OIDC: `issuer` (asked at once what it can do, unless `enabled` is false), `clientId`, and
    `clientSecret`, which is never returned: null keeps what is stored, an empty text forgets it.
    `emailAttribute` is the claim; null: `email`, which must be verified."""

    scheme: Literal["SAML", "OIDC"]
    name: Name
    enabled: bool = True
    email_attribute: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    metadata_xml: MetadataXml | None = None
    metadata_url: Url | None = None
    entity_id: Text1024 | None = None
    sso_url: Url | None = None
    certificates: Annotated[list[_Certificate], Field(max_length=MAX_CERTIFICATES)] = Field(
        default_factory=list
    )
    issuer: Url | None = None
    client_id: Id | None = None
    client_secret: Annotated[str, Field(max_length=4096)] | None = None


class MetadataBody(Body):
    """One of the two."""

    metadata_xml: MetadataXml | None = None
    metadata_url: Url | None = None


class CertificateView(Model):
    """`fingerprint` is the certificate's SHA-256 in hex. It signs until `notAfter`."""

    pem: str
    subject: str
    fingerprint: str
    not_before: AwareDatetime
    not_after: AwareDatetime


class MetadataView(Model):
    """What would be taken of it."""

    entity_id: str
    sso_url: str
    certificates: list[CertificateView]


class ServiceProviderView(Model):
    """What the identity provider is told. SAML: `entityId` (the audience; our metadata is there)
    and `acsUrl`. OIDC: `redirectUri`. People sign in at `signInUrl`."""

    entity_id: str
    acs_url: str
    redirect_uri: str
    sign_in_url: str


class IdentityProviderView(Stamped):
    scheme: Literal["SAML", "OIDC"]
    name: str
    enabled: bool = True
    email_attribute: str | None = None
    metadata_url: str | None = None
    entity_id: str | None = None
    sso_url: str | None = None
    certificates: list[CertificateView] = Field(default_factory=list)
    issuer: str | None = None
    client_id: str | None = None
    has_client_secret: bool
    service_provider: ServiceProviderView


def presented(shown: Presentation[IdentityProvider]) -> dict[str, Any]:
    """The fields of the view."""
    fields, document = shown.fields, shown.document
    secret = fields.pop("clientSecret", None)
    ours = shown.context.part(SingleSignOn).addresses
    return {
        **fields,
        "certificates": [_certificate(pem) for pem in document.certificates],
        "hasClientSecret": secret is not None,
        "serviceProvider": {
            "entityId": ours.metadata(document.id),
            "acsUrl": ours.acs(document.id),
            "redirectUri": ours.callback(document.id),
            "signInUrl": ours.start(document.id),
        },
    }


def metadata_view(taken: ProviderMetadata) -> MetadataView:
    return MetadataView(
        entity_id=taken.entity_id,
        sso_url=taken.sso_url,
        certificates=[
            CertificateView.model_validate(_certificate(pem)) for pem in taken.certificates
        ],
    )


def _certificate(pem: str) -> dict[str, Any]:
    found = certificate.describe(pem)
    return {
        "pem": found.pem,
        "subject": found.subject,
        "fingerprint": found.fingerprint,
        "notBefore": found.not_before,
        "notAfter": found.not_after,
    }
