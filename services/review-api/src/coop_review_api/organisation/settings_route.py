"""The organisation's settings: one document, read and replaced, with its revisions.

Guarantees: values of headers are shown to nobody, their names are.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.permission import Permission
from coop_review_api.configuration import header
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.resource import Presentation, Resource, fields_of
from coop_review_api.configuration.revision_route import add_revisions
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import ReplacingBody, check_shown
from coop_review_api.http.context import context_of
from coop_review_api.http.etag import etag_of, expected_revision
from coop_review_api.kernel.principal import Principal
from coop_review_api.organisation.settings import HEADERS, SETTINGS
from coop_review_api.organisation.settings_document import SettingsBody, SettingsView
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["settings"])

_manages = requires(Permission.MANAGE_ORG)
Manager = Annotated[Principal, Depends(_manages)]


def _shown(shown: Presentation[OrgSettings]) -> dict[str, Any]:
    fields = shown.fields
    secret = bound_to(shown.principal.org_id, Kind.SETTINGS, SETTINGS_ID)
    for name, wired, shown_name in HEADERS:
        fields.pop(wired, None)
        stored = getattr(shown.document, name)
        fields[shown_name] = header.names(shown.context.vault, stored, context=secret)
    return fields


_resource = Resource(
    documents=SETTINGS,
    path="settings",
    plural="Settings",
    body=SettingsBody,
    view=SettingsView,
    read=_manages,
    write=_manages,
    present=_shown,
)
_body = ReplacingBody(SettingsBody, SettingsView)


@router.get("/settings", operation_id="getSettings", response_model=SettingsView)
async def get_settings(request: Request, response: Response, principal: Manager) -> Any:
    """Everything the organisation decides for itself."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        entry = await SETTINGS.read(connection, principal, SETTINGS_ID)
    response.headers["ETag"] = etag_of(entry.revision)
    return _resource.view_of(context, principal, entry)


@router.put(
    "/settings",
    operation_id="replaceSettings",
    response_model=SettingsView,
    openapi_extra=_body.openapi(),
)
async def replace_settings(
    request: Request,
    response: Response,
    principal: Manager,
    body: Annotated[SettingsBody, Depends(_body)],
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> Any:
    """Replace them. They act within a second."""
    context, expected = context_of(request), expected_revision(if_match)
    async with changing(context, principal) as configuration:
        entry = await SETTINGS.save(
            configuration,
            principal,
            fields=fields_of(body),
            document_id=SETTINGS_ID,
            expected=expected,
            vault=context.vault,
        )
        shown = _resource.view_of(context, principal, entry)
        check_shown(request, shown)
    response.headers["ETag"] = etag_of(entry.revision)
    return shown


add_revisions(router, _resource)
