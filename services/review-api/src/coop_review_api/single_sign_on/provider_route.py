"""Identity providers: where people of the organisation sign in.

    …  /v1/identity-providers              as any resource, with revisions
    POST /v1/identity-provider-metadata    what SAML metadata says, before it is saved

Guarantees: a client's secret is written, never read; metadata is fetched through the egress guard,
before the organisation's lock is taken; whoever changes a provider holds all that anybody of the
organisation holds; a provider that is turned on could sign somebody in at that moment (one that is
away does not keep what else is said of it from being changed).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, Field

from coop_contracts.config import IdentityProvider, Kind
from coop_contracts.permission import Permission
from coop_review_api.configuration import certificate
from coop_review_api.configuration.certificate import (
    MAX_CERTIFICATE,
    MAX_CERTIFICATES,
    CertificateError,
)
from coop_review_api.configuration.document_model import Id, Name, Stamped, Url
from coop_review_api.configuration.header import context_of as bound_to
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.configuration.resource import (
    Command,
    Handlers,
    Resource,
    etag_of,
    expected_revision,
)
from coop_review_api.configuration.resource_route import add_reading
from coop_review_api.configuration.revision_route import add_revisions
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import Context, context_of
from coop_review_api.http.route import IF_MATCH
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.kernel.web_address import is_safe
from coop_review_api.single_sign_on import metadata, requirement
from coop_review_api.single_sign_on.client import SingleSignOn
from coop_review_api.single_sign_on.error import SignOnError
from coop_review_api.single_sign_on.metadata import Taken
from coop_review_api.single_sign_on.xml import MAX_DOCUMENT
from coop_runtime.egress.guard import EgressRefused

router = APIRouter(prefix="/v1", tags=["identity-providers"])

_manages = requires(Permission.MANAGE_ORG)
Manager = Annotated[Principal, Depends(_manages)]
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


class IdentityProviders(Resource[IdentityProviderBody, IdentityProvider]):
    kind, path = Kind.IDENTITY_PROVIDER, "identity-providers"
    noun, plural = "IdentityProvider", "IdentityProviders"
    document, body, view = IdentityProvider, IdentityProviderBody, IdentityProviderView
    read = write = _manages

    async def build(
        self, command: Command[IdentityProviderBody, IdentityProvider]
    ) -> IdentityProvider:
        fields = command.body.model_dump(by_alias=True, mode="json", exclude={"metadata_xml"})
        fields["certificates"] = [_normal(pem) for pem in command.body.certificates]
        fields["clientSecret"] = self._secret(command)
        return msgspec.convert({**fields, "id": command.document_id}, IdentityProvider)

    def _secret(self, command: Command[IdentityProviderBody, IdentityProvider]) -> str | None:
        sent, previous = command.body.client_secret, command.previous
        if sent is None:
            kept = previous is not None and previous.scheme == command.body.scheme
            return previous.client_secret if previous is not None and kept else None
        if not sent:
            return None
        bound = bound_to(command.principal.org_id, self.kind, command.document_id)
        return command.context.vault.encrypt(sent, context=bound)

    async def guard(
        self,
        configuration: LockedConfiguration,
        principal: Principal,
        *,
        before: IdentityProvider | None,  # noqa: ARG002
        after: IdentityProvider | None,  # noqa: ARG002
    ) -> None:
        await requirement.check_may_set_up(configuration, principal)

    async def saved(
        self,
        configuration: LockedConfiguration,
        *,
        before: IdentityProvider | None,  # noqa: ARG002
        after: IdentityProvider | None,  # noqa: ARG002
    ) -> None:
        await requirement.check_possible(configuration)

    def present(
        self,
        context: Context,
        principal: Principal,  # noqa: ARG002
        document: IdentityProvider,
        fields: dict[str, Any],
    ) -> dict[str, Any]:
        secret = fields.pop("clientSecret", None)
        ours = context.part(SingleSignOn).addresses
        return {
            **fields,
            "certificates": [_shown(pem) for pem in document.certificates],
            "hasClientSecret": secret is not None,
            "serviceProvider": {
                "entityId": ours.metadata(document.id),
                "acsUrl": ours.acs(document.id),
                "redirectUri": ours.callback(document.id),
                "signInUrl": ours.start(document.id),
            },
        }


_resource = IdentityProviders()
_handlers = Handlers(_resource)
_body, _metadata_body = JsonBody(IdentityProviderBody), JsonBody(MetadataBody)
Sent = Annotated[IdentityProviderBody, Depends(_body)]

add_reading(router, _resource)


@router.post(
    "/identity-providers",
    operation_id="createIdentityProvider",
    response_model=IdentityProviderView,
    status_code=201,
    openapi_extra=_body.openapi(),
)
async def create_identity_provider(
    request: Request, response: Response, principal: Manager, body: Sent
) -> Any:
    """Set a provider up. Its people can sign in at `serviceProvider.signInUrl` at once."""
    context = context_of(request)
    whole = await _resolved(context, body, None)
    entry = await _handlers.save(request, principal, None, whole, expected=None)
    response.headers["ETag"] = etag_of(entry.revision)
    response.headers["Location"] = f"/v1/identity-providers/{entry.document.id}"
    return _resource.view_of(context, principal, entry)


@router.put(
    "/identity-providers/{document_id}",
    operation_id="replaceIdentityProvider",
    response_model=IdentityProviderView,
    openapi_extra=_body.openapi(),
)
async def replace_identity_provider(
    request: Request,
    response: Response,
    principal: Manager,
    document_id: str,
    body: Sent,
    if_match: str | None = IF_MATCH,
) -> Any:
    """Replace a provider, or read its metadata again."""
    context, expected = context_of(request), expected_revision(if_match)
    stored = await _handlers.read(request, principal, document_id)
    whole = await _resolved(context, body, stored.document)
    entry = await _handlers.save(request, principal, document_id, whole, expected=expected)
    response.headers["ETag"] = etag_of(entry.revision)
    return _resource.view_of(context, principal, entry)


@router.delete(
    "/identity-providers/{document_id}", operation_id="deleteIdentityProvider", status_code=204
)
async def delete_identity_provider(
    request: Request, principal: Manager, document_id: str, if_match: str | None = IF_MATCH
) -> Response:
    """Forget a provider. Sessions that came through it last until their end."""
    await _handlers.delete(request, principal, document_id, expected=expected_revision(if_match))
    return Response(status_code=204)


@router.post(
    "/identity-provider-metadata",
    operation_id="readIdentityProviderMetadata",
    response_model=MetadataView,
    openapi_extra=_metadata_body.openapi(),
)
async def read_metadata(
    request: Request,
    principal: Manager,  # noqa: ARG001
    body: Annotated[MetadataBody, Depends(_metadata_body)],
) -> Any:
    """What SAML metadata says, for a person to look at. Nothing is saved."""
    taken = await _taken(context_of(request), body.metadata_xml, body.metadata_url)
    return MetadataView(
        entity_id=taken.entity_id,
        sso_url=taken.sso_url,
        certificates=[CertificateView.model_validate(_shown(pem)) for pem in taken.certificates],
    )


add_revisions(router, _resource)


async def _resolved(
    context: Context, body: IdentityProviderBody, stored: IdentityProvider | None
) -> IdentityProviderBody:
    """The body with what its metadata says in place of the metadata. Raises `Invalid`."""
    if body.issuer is not None:
        _check_egress(context, body.issuer, "the issuer")
        asked = stored is not None and stored.enabled and stored.issuer == body.issuer
        if body.scheme == "OIDC" and body.enabled and not asked:
            await _examine(context, body)
    if body.metadata_xml is None and body.metadata_url is None:
        _check_time(context, body, body.certificates, "/certificates")
        return body
    if body.entity_id is not None or body.sso_url is not None or body.certificates:
        raise Invalid(
            [Fault("/entityId", "with metadata, leave entityId, ssoUrl and certificates out")]
        )
    taken = await _taken(context, body.metadata_xml, body.metadata_url)
    pointer = "/metadataXml" if body.metadata_url is None else "/metadataUrl"
    _check_time(context, body, taken.certificates, pointer)
    return body.model_copy(
        update={
            "metadata_xml": None,
            "entity_id": taken.entity_id,
            "sso_url": taken.sso_url,
            "certificates": list(taken.certificates),
        }
    )


async def _examine(context: Context, body: IdentityProviderBody) -> None:
    """Ask an OpenID provider whether anybody could sign in. Raises `Invalid`, naming the field."""
    issuer = body.issuer or ""
    if not is_safe(issuer):
        return  # the check of the document says so
    try:
        found = await context.part(SingleSignOn).oidc.examine(issuer)
    except SignOnError as error:
        reason = f"the provider cannot be used as it is: {error}"
        raise Invalid([Fault("/issuer", reason)]) from None
    _check_egress(context, found.token, "token_endpoint")
    if found.userinfo is not None:
        _check_egress(context, found.userinfo, "userinfo_endpoint")
    if body.client_secret and not found.takes_secret:
        reason = (
            "the provider takes no client's secret, neither as basic authentication nor by post"
        )
        raise Invalid([Fault("/clientSecret", reason)])


def _check_egress(context: Context, url: str, what: str) -> None:
    try:
        context.part(SingleSignOn).guard.check(url)
    except EgressRefused as error:
        raise Invalid([Fault("/issuer", f"{what}: {error}")]) from None


def _check_time(
    context: Context, body: IdentityProviderBody, pems: Sequence[str], pointer: str
) -> None:
    """Raises `Invalid` where a provider is turned on whose certificates are all over, or none has
    begun."""
    try:
        found = [certificate.describe(pem) for pem in pems]
    except CertificateError:
        return  # the check of the document says so
    now = context.clock()
    if body.enabled and found and not any(one.not_before <= now < one.not_after for one in found):
        raise Invalid([Fault(pointer, "no certificate of the provider is valid now")])


async def _taken(context: Context, xml: str | None, url: str | None) -> Taken:
    if (xml is None) == (url is None):
        raise Invalid([Fault("/metadataXml", "give one: metadataXml or metadataUrl")])
    try:
        if url is None:
            return metadata.read((xml or "").encode())
        return metadata.read(await context.part(SingleSignOn).fetch.document(url))
    except SignOnError as error:
        at = "/metadataXml" if url is None else "/metadataUrl"
        raise Invalid([Fault(at, str(error))]) from None


def _normal(pem: str) -> str:
    """As it is kept; what cannot be read stays for the check to report."""
    try:
        return certificate.normal(pem)
    except CertificateError:
        return pem


def _shown(pem: str) -> dict[str, Any]:
    found = certificate.describe(pem)
    return {
        "pem": found.pem,
        "subject": found.subject,
        "fingerprint": found.fingerprint,
        "notBefore": found.not_before,
        "notAfter": found.not_after,
    }
