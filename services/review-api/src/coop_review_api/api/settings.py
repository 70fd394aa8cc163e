"""The organisation's settings: one document, read and replaced."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.permission import Permission
from coop_review_api.api import document as wire
from coop_review_api.api.authentication import requires
from coop_review_api.api.body import JsonBody
from coop_review_api.api.resource import (
    Command,
    Handlers,
    Resource,
    context_of,
    etag_of,
    expected_revision,
)
from coop_review_api.configuration import header
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.context import Context
from coop_review_api.session import Principal

router = APIRouter(prefix="/v1", tags=["settings"])

_access = requires(Permission.MANAGE_ORG)
Manager = Annotated[Principal, Depends(_access)]


class OrganisationSettings(Resource[wire.SettingsBody, OrgSettings]):
    """A resource of a single document, which always exists."""

    kind, path, noun, plural = Kind.SETTINGS, "settings", "Settings", "Settings"
    document, body, view = OrgSettings, wire.SettingsBody, wire.SettingsView
    read = write = _access

    async def build(self, command: Command[wire.SettingsBody, OrgSettings]) -> OrgSettings:
        fields = command.body.model_dump(by_alias=True, mode="json")
        fields["appealCallbackHeaders"] = header.updated(
            command.context.vault,
            command.previous.appeal_callback_headers if command.previous else None,
            command.body.appeal_callback_headers,
            context=header.context_of(command.principal.org_id, self.kind, SETTINGS_ID),
            at="/appealCallbackHeaders",
        )
        return msgspec.convert({**fields, "id": SETTINGS_ID}, OrgSettings)

    def present(
        self,
        context: Context,
        principal: Principal,
        document: OrgSettings,  # noqa: ARG002
        fields: dict[str, Any],
    ) -> dict[str, Any]:
        stored = fields.pop("appealCallbackHeaders", None)
        bound_to = header.context_of(principal.org_id, self.kind, SETTINGS_ID)
        names = header.names(context.vault, stored, context=bound_to)
        return {**fields, "appealCallbackHeaderNames": names}


_resource = OrganisationSettings()
_handlers = Handlers(_resource)
_body = JsonBody(wire.SettingsBody)


@router.get("/settings", operation_id="getSettings", response_model=wire.SettingsView)
async def get_settings(request: Request, response: Response, principal: Manager) -> Any:
    """Everything the organisation decides for itself."""
    entry = await _handlers.read(request, principal, SETTINGS_ID)
    response.headers["ETag"] = etag_of(entry.revision)
    return _resource.view_of(context_of(request), principal, entry)


@router.put(
    "/settings",
    operation_id="replaceSettings",
    response_model=wire.SettingsView,
    openapi_extra=_body.openapi(),
)
async def replace_settings(
    request: Request,
    response: Response,
    principal: Manager,
    body: Annotated[wire.SettingsBody, Depends(_body)],
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> Any:
    """Replace them. They act within a second."""
    expected = expected_revision(if_match)
    entry = await _handlers.save(request, principal, SETTINGS_ID, body, expected=expected)
    response.headers["ETag"] = etag_of(entry.revision)
    return _resource.view_of(context_of(request), principal, entry)
