"""The organisation's settings as a document: a single one, which always exists.

Guarantees: passwords are not turned off where nobody could sign in otherwise, or where nobody keeps
theirs for emergencies; what the operator decides stays as it is; headers are kept as ciphertext
only.
"""

from __future__ import annotations

from typing import Final

from coop_contracts.config import IdentityProvider, Kind, OrgSettings
from coop_contracts.permission import Permission
from coop_review_api.configuration import header
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.document_kind import DocumentChange, DocumentKind, SentDocument
from coop_review_api.kernel.error import Conflict, Fault
from coop_review_api.people.administration import administration_of, check_administered

HEADERS: Final = (
    ("appeal_callback_headers", "appealCallbackHeaders", "appealCallbackHeaderNames"),
    ("ignore_callback_headers", "ignoreCallbackHeaders", "ignoreCallbackHeaderNames"),
    ("partial_items_headers", "partialItemsHeaders", "partialItemsHeaderNames"),
)
"""Each: the document's field, its name in JSON, and what is shown in its place."""


async def _settings(sent: SentDocument[OrgSettings]) -> OrgSettings:
    previous = sent.previous
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
    is_demo = previous is not None and previous.is_demo_org
    return sent.to(OrgSettings, **headers, isDemoOrg=is_demo)


async def _require_elsewhere(change: DocumentChange[OrgSettings]) -> None:
    configuration, after = change.configuration, change.after
    await administration_of(configuration, change.principal, Permission.MANAGE_ORG)
    if after is None or not after.requires_single_sign_on:
        return
    catalogue = await configuration.catalogue(Kind.IDENTITY_PROVIDER)
    providers = catalogue.all(Kind.IDENTITY_PROVIDER, IdentityProvider).values()
    if not any(one.enabled for one in providers):
        raise Conflict(
            "there is nowhere else to sign in: enable an identity provider first",
            faults=[Fault("/requiresSingleSignOn", "needs an enabled identity provider")],
        )


async def _check_administered(change: DocumentChange[OrgSettings]) -> None:
    """Where passwords stop working, somebody keeps theirs for emergencies."""
    await check_administered(change.configuration)


SETTINGS: Final = DocumentKind(
    kind=Kind.SETTINGS,
    type=OrgSettings,
    noun="Settings",
    build=_settings,
    guard=_require_elsewhere,
    saved=_check_administered,
)
