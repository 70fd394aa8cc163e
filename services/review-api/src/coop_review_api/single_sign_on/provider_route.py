"""Identity providers: where people of the organisation sign in.

    …  /v1/identity-providers              as any resource, with revisions
    POST /v1/identity-provider-metadata    what SAML metadata says, before it is saved

Guarantees: what is to be fetched is, before the organisation's lock is taken.
Must not: decide anything; `provider_setup` and `provider_document` do.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from coop_contracts.config import IdentityProvider
from coop_contracts.permission import Permission
from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.log import Entry
from coop_review_api.configuration.resource import Resource
from coop_review_api.configuration.resource_route import add_reading
from coop_review_api.configuration.revision_route import add_revisions
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import JsonBody
from coop_review_api.http.context import Context, context_of, part_of
from coop_review_api.http.etag import etag_of, expected_revision
from coop_review_api.http.route import IF_MATCH
from coop_review_api.kernel.principal import Principal
from coop_review_api.single_sign_on.client import SingleSignOn
from coop_review_api.single_sign_on.library import libraries
from coop_review_api.single_sign_on.provider_document import IDENTITY_PROVIDERS
from coop_review_api.single_sign_on.provider_setup import resolved, taken_of
from coop_review_api.single_sign_on.provider_view import (
    IdentityProviderBody,
    IdentityProviderView,
    MetadataBody,
    MetadataView,
    metadata_view,
    presented,
)
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["identity-providers"], dependencies=[Depends(libraries)])

_manages = requires(Permission.MANAGE_ORG)
Manager = Annotated[Principal, Depends(_manages)]

_resource = Resource(
    documents=IDENTITY_PROVIDERS,
    path="identity-providers",
    plural="IdentityProviders",
    body=IdentityProviderBody,
    view=IdentityProviderView,
    read=_manages,
    write=_manages,
    present=presented,
)
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
    entry = await _save(context, principal, body, None, expected=None)
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
    async with transaction(context.engine) as connection:
        stored = await IDENTITY_PROVIDERS.read(connection, principal, document_id)
    entry = await _save(context, principal, body, stored.document, expected=expected)
    response.headers["ETag"] = etag_of(entry.revision)
    return _resource.view_of(context, principal, entry)


@router.delete(
    "/identity-providers/{document_id}", operation_id="deleteIdentityProvider", status_code=204
)
async def delete_identity_provider(
    request: Request, principal: Manager, document_id: str, if_match: str | None = IF_MATCH
) -> Response:
    """Forget a provider. Sessions that came through it last until their end."""
    expected = expected_revision(if_match)
    async with changing(context_of(request), principal) as configuration:
        await IDENTITY_PROVIDERS.delete(configuration, principal, document_id, expected=expected)
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
    client = part_of(request, SingleSignOn)
    taken = await taken_of(client, xml=body.metadata_xml, url=body.metadata_url)
    return metadata_view(taken)


add_revisions(router, _resource)


async def _save(
    context: Context,
    principal: Principal,
    body: IdentityProviderBody,
    stored: IdentityProvider | None,
    *,
    expected: int | None,
) -> Entry[IdentityProvider]:
    """Look up what there is to look up, then save it in the place of `stored`."""
    fields = body.model_dump(by_alias=True, mode="json", exclude={"metadata_xml"})
    found = await resolved(
        context.part(SingleSignOn),
        msgspec.convert({**fields, "id": ""}, IdentityProvider),
        metadata_xml=body.metadata_xml,
        stored=stored,
        now=context.clock(),
    )
    taken = {
        "entityId": found.entity_id,
        "ssoUrl": found.sso_url,
        "certificates": found.certificates,
    }
    async with changing(context, principal) as configuration:
        return await IDENTITY_PROVIDERS.save(
            configuration,
            principal,
            fields={**fields, **taken},
            document_id=None if stored is None else stored.id,
            expected=expected,
            vault=context.vault,
        )
