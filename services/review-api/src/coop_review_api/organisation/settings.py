"""The organisation's settings as a document: a single one, which always exists.

Guarantees: passwords are not turned off where nobody could sign in otherwise, or where nobody keeps
theirs for emergencies; what the operator decides stays as it is; headers are kept as ciphertext
only.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import text

from coop_contracts.config import IdentityProvider, Kind, OrgSettings
from coop_contracts.permission import Permission
from coop_review_api.configuration import header
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.document_kind import DocumentChange, DocumentKind, SentDocument
from coop_review_api.kernel.error import Conflict, Fault, Invalid
from coop_review_api.people import session
from coop_review_api.people.administration import administration_of, check_administered

HEADERS: Final = (
    ("appeal_callback_headers", "appealCallbackHeaders", "appealCallbackHeaderNames"),
    ("ignore_callback_headers", "ignoreCallbackHeaders", "ignoreCallbackHeaderNames"),
    ("partial_items_headers", "partialItemsHeaders", "partialItemsHeaderNames"),
)
"""Each: the document's field, its name in JSON, and what is shown in its place."""


_KNOWN_ZONE: Final = text("SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = :zone)")


async def _settings(sent: SentDocument[OrgSettings]) -> OrgSettings:
    previous = sent.previous
    zone = {"zone": sent.fields["timeZone"]}
    if not await sent.configuration.connection.scalar(_KNOWN_ZONE, zone):
        raise Invalid([Fault("/timeZone", "no time zone that is known")])
    headers = {
        wired: header.updated(
            sent.vault,
            getattr(previous, name) if previous else None,
            sent.fields[wired],
            context=bound_to(sent.configuration.org_id, Kind.SETTINGS, SETTINGS_ID),
            at=f"/{wired}",
        )
        for name, wired, _ in HEADERS
    }
    return sent.to(OrgSettings, **headers, **_of_operator(previous))


def _of_operator(previous: OrgSettings | None) -> dict[str, Any]:
    """What the operator decides, as JSON: a change leaves it as it is."""
    if previous is None:
        return {}
    fields = msgspec.to_builtins(previous)
    return {name: fields[name] for name in ("isDemoOrg", "suspendedAt") if name in fields}


async def _require_elsewhere(change: DocumentChange[OrgSettings]) -> None:
    configuration, before, after = change.configuration, change.before, change.after
    await administration_of(configuration, change.principal, Permission.MANAGE_ORG)
    if after is not None and _of_operator(before) != _of_operator(after):
        raise Conflict("what the operator decided then is not the organisation's to restore")
    if after is None or not after.requires_single_sign_on:
        return
    catalogue = await configuration.catalogue(Kind.IDENTITY_PROVIDER)
    providers = catalogue.all(Kind.IDENTITY_PROVIDER, IdentityProvider).values()
    if not any(one.enabled for one in providers):
        raise Conflict(
            "there is nowhere else to sign in: enable an identity provider first",
            faults=[Fault("/requiresSingleSignOn", "needs an enabled identity provider")],
        )


async def _end_passwords(change: DocumentChange[OrgSettings]) -> None:
    """Where passwords stop working, somebody keeps theirs for emergencies, and what others opened
    with one ends."""
    configuration, after = change.configuration, change.after
    await check_administered(configuration)
    if after is not None and after.requires_single_sign_on:
        await session.end_by_password(configuration.connection, configuration.org_id)


SETTINGS: Final = DocumentKind(
    kind=Kind.SETTINGS,
    type=OrgSettings,
    noun="Settings",
    build=_settings,
    guard=_require_elsewhere,
    saved=_end_passwords,
)
