"""The organisation's settings: one document, read and replaced, with its revisions.

Guarantees: passwords are not turned off where nobody could sign in otherwise.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response

from coop_contracts.config import IdentityProvider, Kind, OrgSettings
from coop_contracts.permission import Permission
from coop_review_api.configuration import header
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.configuration.resource import (
    Command,
    Handlers,
    Resource,
    etag_of,
    expected_revision,
)
from coop_review_api.configuration.revision_route import add_revisions
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import JsonBody
from coop_review_api.http.context import Context, context_of
from coop_review_api.kernel.error import Conflict, Fault
from coop_review_api.kernel.principal import Principal
from coop_review_api.organisation import settings_document as wire
from coop_review_api.people.administration import administration_of, check_administered

router = APIRouter(prefix="/v1", tags=["settings"])

_access = requires(Permission.MANAGE_ORG)
Manager = Annotated[Principal, Depends(_access)]


_HEADERS = (
    ("appeal_callback_headers", "appealCallbackHeaders", "appealCallbackHeaderNames"),
    ("ignore_callback_headers", "ignoreCallbackHeaders", "ignoreCallbackHeaderNames"),
    ("partial_items_headers", "partialItemsHeaders", "partialItemsHeaderNames"),
)
"""Each: the document's field, its name on the wire, and what is shown in its place."""


class OrganisationSettings(Resource[wire.SettingsBody, OrgSettings]):
    """A resource of a single document, which always exists."""

    kind, path, noun, plural = Kind.SETTINGS, "settings", "Settings", "Settings"
    document, body, view = OrgSettings, wire.SettingsBody, wire.SettingsView
    read = write = _access

    async def build(self, command: Command[wire.SettingsBody, OrgSettings]) -> OrgSettings:
        body, previous = command.body, command.previous
        fields = body.model_dump(by_alias=True, mode="json")
        for name, wired, _ in _HEADERS:
            fields[wired] = header.updated(
                command.context.vault,
                getattr(previous, name) if previous else None,
                getattr(body, name),
                context=header.context_of(command.principal.org_id, self.kind, SETTINGS_ID),
                at=f"/{wired}",
            )
        kept = {"id": SETTINGS_ID, "isDemoOrg": previous is not None and previous.is_demo_org}
        return msgspec.convert({**fields, **kept}, OrgSettings)

    async def guard(
        self,
        configuration: LockedConfiguration,
        principal: Principal,
        *,
        before: OrgSettings | None,  # noqa: ARG002
        after: OrgSettings | None,
    ) -> None:
        await administration_of(configuration, principal, Permission.MANAGE_ORG)
        if after is None or not after.requires_single_sign_on:
            return
        catalogue = await configuration.catalogue(Kind.IDENTITY_PROVIDER)
        providers = catalogue.all(Kind.IDENTITY_PROVIDER, IdentityProvider).values()
        if not any(one.enabled for one in providers):
            raise Conflict(
                "there is nowhere else to sign in: enable an identity provider first",
                faults=[Fault("/requiresSingleSignOn", "needs an enabled identity provider")],
            )

    async def saved(
        self,
        configuration: LockedConfiguration,
        *,
        before: OrgSettings | None,  # noqa: ARG002
        after: OrgSettings | None,  # noqa: ARG002
    ) -> None:
        """Where passwords stop working, somebody keeps theirs for emergencies."""
        await check_administered(configuration)

    def present(
        self,
        context: Context,
        principal: Principal,
        document: OrgSettings,
        fields: dict[str, Any],
    ) -> dict[str, Any]:
        bound_to = header.context_of(principal.org_id, self.kind, SETTINGS_ID)
        for name, wired, shown in _HEADERS:
            fields.pop(wired, None)
            fields[shown] = header.names(context.vault, getattr(document, name), context=bound_to)
        return fields


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


add_revisions(router, _resource)
