"""The NCMEC settings: one document, read and replaced, with its revisions; and what reports are
checked with.

Guarantees: the password and values of headers are shown to nobody.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from msgspec import to_builtins

from coop_contracts.config import Kind, NcmecSettings
from coop_contracts.cybertip import SCHEMA_USED, SchemaQuestion
from coop_contracts.permission import Permission
from coop_review_api.configuration import header
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.resource import Presentation, Resource, fields_of
from coop_review_api.configuration.revision_route import add_revisions
from coop_review_api.cybertip.reporter import CybertipReporter
from coop_review_api.cybertip.settings_document import HEADERS, NCMEC_SETTINGS
from coop_review_api.cybertip.settings_view import (
    NcmecSchemaView,
    NcmecSettingsBody,
    NcmecSettingsView,
)
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import JsonBody
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.etag import etag_of, expected_revision
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["settings"])

_manages = requires(Permission.MANAGE_ORG)
Manager = Annotated[Principal, Depends(_manages)]


def _shown(shown: Presentation[NcmecSettings]) -> dict[str, Any]:
    fields = shown.fields
    secret = bound_to(shown.principal.org_id, Kind.NCMEC_SETTINGS, SETTINGS_ID)
    for name, wired, shown_name in HEADERS:
        fields.pop(wired, None)
        stored = getattr(shown.document, name)
        fields[shown_name] = header.names(shown.context.vault, stored, context=secret)
    fields.pop("password", None)
    fields["hasPassword"] = shown.document.password is not None
    fields["missing"] = list(shown.document.missing())
    fields["filesReal"] = shown.context.settings.ncmec_environment == "production"
    return fields


_resource = Resource(
    documents=NCMEC_SETTINGS,
    path="ncmec-settings",
    plural="NcmecSettings",
    body=NcmecSettingsBody,
    view=NcmecSettingsView,
    read=_manages,
    write=_manages,
    present=_shown,
)
_body = JsonBody(NcmecSettingsBody)


@router.get("/ncmec-settings", operation_id="getNcmecSettings", response_model=NcmecSettingsView)
async def get_ncmec_settings(request: Request, response: Response, principal: Manager) -> Any:
    """How this organisation reports to NCMEC, and what is missing for it."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        entry = await NCMEC_SETTINGS.read(connection, principal, SETTINGS_ID)
    response.headers["ETag"] = etag_of(entry.revision)
    return _resource.view_of(context, principal, entry)


@router.put(
    "/ncmec-settings",
    operation_id="replaceNcmecSettings",
    response_model=NcmecSettingsView,
    openapi_extra=_body.openapi(),
)
async def replace_ncmec_settings(
    request: Request,
    response: Response,
    principal: Manager,
    body: Annotated[NcmecSettingsBody, Depends(_body)],
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> Any:
    """Replace them. Enabled, they have to be complete."""
    context, expected = context_of(request), expected_revision(if_match)
    async with changing(context, principal) as configuration:
        entry = await NCMEC_SETTINGS.save(
            configuration,
            principal,
            fields=fields_of(body),
            document_id=SETTINGS_ID,
            expected=expected,
            vault=context.vault,
        )
    response.headers["ETag"] = etag_of(entry.revision)
    return _resource.view_of(context, principal, entry)


@router.get("/ncmec-schema", operation_id="getNcmecSchema", response_model=NcmecSchemaView)
async def get_ncmec_schema(request: Request, principal: Manager) -> Any:
    """Which schema reports are checked with, and whether NCMEC serves the same."""
    reporter = part_of(request, CybertipReporter)
    return to_builtins(await reporter.ask(principal.org_id, SCHEMA_USED, SchemaQuestion()))


add_revisions(router, _resource)
