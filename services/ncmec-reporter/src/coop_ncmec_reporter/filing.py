"""What a report says, gathered: pure data, before it becomes XML.

Guarantees: what lies here is enough to make the same documents again.
Must not: be written anywhere in clear: it names people.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from coop_contracts.config import InternetDetail, LegalContact
from coop_contracts.event import FileAnnotation, IncidentType, MediumClass, ReportAnnotation

EventName = Literal["Login", "Registration", "Purchase", "Upload", "Other", "Unknown"]


class IpEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An address that was seen."""

    ip_address: str
    event_name: EventName | None = None
    at: datetime | None = None
    possible_proxy: bool | None = None
    port: int | None = None


class Device(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A device that was seen."""

    id_type: str
    id_value: str
    event_name: EventName | None = None
    at: datetime | None = None


class EmailAddress(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`kind` as the interface names it."""

    address: str
    kind: Literal["Home", "Work", "Business", "Recovery"] | None = None
    verified: bool | None = None
    verified_at: datetime | None = None


class PhoneNumber(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A number as it was written."""

    number: str
    verified: bool | None = None


class Place(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where somebody is thought to be."""

    city: str | None = None
    region: str | None = None
    country_code: str | None = None
    verified: bool | None = None
    at: datetime | None = None


class Account(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user: the suspect, a victim, a recipient."""

    id: str
    first_name: str | None = None
    last_name: str | None = None
    phones: tuple[PhoneNumber, ...] = ()
    emails: tuple[EmailAddress, ...] = ()
    age: int | None = None
    date_of_birth: str | None = None
    screen_name: str | None = None
    display_names: tuple[str, ...] = ()
    profile_urls: tuple[str, ...] = ()
    profile_bio: str | None = None
    ip_events: tuple[IpEvent, ...] = ()
    devices: tuple[Device, ...] = ()
    prior_reports: tuple[int, ...] = ()
    group: str | None = None
    compromised: bool | None = None
    disabled: Literal["PERMANENTLY", "TEMPORARILY"] | None = None
    disabled_at: datetime | None = None
    place: Place | None = None
    notes: tuple[str, ...] = ()


class Reporter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who reports, as the organisation's settings say."""

    email: str
    company: str
    legal_url: str
    terms_of_service: str = ""
    more_info_url: str = ""
    contact: LegalContact | None = None
    internet_detail: InternetDetail | None = None


class Conversation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A thread: `content` is what its messages say, for a reader."""

    room: str
    content: str


class Filing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One report. `prepared_at` is when it was gathered: times of it are not later."""

    reference: str
    prepared_at: datetime
    incident: IncidentType
    incident_at: datetime
    incident_at_means: str
    reporter: Reporter
    suspect: Account
    platform: str = ""
    annotations: tuple[ReportAnnotation, ...] = ()
    high_priority: str | None = None
    victims: tuple[Account, ...] = ()
    recipients: tuple[Account, ...] = ()
    pages: tuple[str, ...] = ()
    conversations: tuple[Conversation, ...] = ()
    notes: tuple[str, ...] = ()


class FileFacts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file of a report, but for its numbers there. Without `viewed` it is not said whether
    anybody looked at it: nobody could."""

    name: str
    relevance: Literal["REPORTED", "SUPPLEMENTAL"] = "REPORTED"
    uploaded_at: datetime | None = None
    location: str | None = None
    viewed: bool | None = None
    exif_viewed: bool | None = None
    publicly_available: bool | None = None
    classification: MediumClass | None = None
    annotations: tuple[FileAnnotation, ...] = ()
    hashes: dict[str, str] = {}
    ip_event: IpEvent | None = None
    devices: tuple[Device, ...] = ()
    exif: dict[str, str] = {}
    notes: tuple[str, ...] = ()
