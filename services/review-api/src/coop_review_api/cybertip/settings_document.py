"""The NCMEC settings as a document: a single one, which always exists, disabled at first.

Guarantees: what is enabled is complete, or refused with what is missing; the password and the
headers are kept as ciphertext only, and read by nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from coop_contracts.config import Kind, NcmecSettings
from coop_review_api.configuration import header
from coop_review_api.configuration.action import check_url
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.check import SETTINGS_ID, Examined
from coop_review_api.configuration.document_kind import DocumentKind, SentDocument
from coop_review_api.kernel.email_address import check_email
from coop_review_api.kernel.error import Fault

HEADERS: Final = (
    ("additional_info_headers", "additionalInfoHeaders", "additionalInfoHeaderNames"),
    ("preservation_headers", "preservationHeaders", "preservationHeaderNames"),
)
"""Each: the document's field, its name in JSON, and what is shown in its place."""


async def _settings(sent: SentDocument[NcmecSettings]) -> NcmecSettings:
    context = bound_to(sent.configuration.org_id, Kind.NCMEC_SETTINGS, SETTINGS_ID)
    headers = {
        wired: header.updated(
            sent.vault,
            getattr(sent.previous, name) if sent.previous else None,
            sent.fields[wired],
            context=context,
            at=f"/{wired}",
        )
        for name, wired, _ in HEADERS
    }
    return sent.to(NcmecSettings, **headers, password=_password(sent, context))


def _password(sent: SentDocument[NcmecSettings], context: str) -> str | None:
    """None keeps what is stored; an empty text forgets it."""
    password = sent.fields["password"]
    if password is None:
        return None if sent.previous is None else sent.previous.password
    return sent.vault.encrypt(password, context=context) if password else None


def check_ncmec_settings(it: Examined) -> Iterator[Fault]:
    """Every fault. Enabled, everything is there that NCMEC asks for."""
    settings = it.document
    if settings.id != SETTINGS_ID:
        yield Fault("/id", f"must be {SETTINGS_ID}")
    if settings.enabled:
        for name in settings.missing():
            yield Fault(f"/{name}", "is needed before reporting is enabled")
    for value, at in (
        (settings.legal_url, "/legalUrl"),
        (settings.more_info_url, "/moreInfoUrl"),
        (settings.additional_info_endpoint, "/additionalInfoEndpoint"),
        (settings.preservation_endpoint, "/preservationEndpoint"),
    ):
        if value:
            yield from check_url(value, at)
    if settings.contact_email:
        yield from check_email(settings.contact_email, "/contactEmail")
    contact = settings.contact_person
    if contact is not None and contact.email:
        yield from check_email(contact.email, "/contactPerson/email")


NCMEC_SETTINGS: Final = DocumentKind(
    kind=Kind.NCMEC_SETTINGS,
    type=NcmecSettings,
    noun="NcmecSettings",
    build=_settings,
    implied={SETTINGS_ID: NcmecSettings(id=SETTINGS_ID)},
)
