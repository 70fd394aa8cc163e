"""What platforms are told and asked, as msgspec structs: the shapes only.

    told    ActionWebhook, AppealWebhook, IgnoredWebhook, PreservationWebhook
    asked   ItemsQuestion ─▶ {"items": [Item]}      InfoQuestion ─▶ InfoAnswer

Source: Coop's public wire format. They are for the public description, from which platforms'
libraries have their types; whoever makes a body is held against them by
`tests/contract/test_webhook_description.py`, so that neither says what the other does not.
Must not: be sent with a field that is not here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from coop_contracts.event import ItemRef

EventName = Literal["Login", "Registration", "Purchase", "Upload", "Other", "Unknown"]


class WebhookItem(Struct, kw_only=True, rename="camel"):
    """The item that an action is about. `typeName` is for people."""

    id: str
    type_id: str
    type_name: str


class WebhookAction(Struct, kw_only=True, rename="camel"):
    """The action that is to be done."""

    id: str
    name: str


class WebhookPolicy(Struct, kw_only=True, rename="camel"):
    """A policy for whose sake it is done."""

    id: str
    name: str
    penalty: Literal["NONE", "LOW", "MEDIUM", "HIGH", "SEVERE"]


class WebhookRule(Struct, kw_only=True, rename="camel"):
    """A rule that asked for it, by the name that it had then."""

    id: str
    name: str


class ActionWebhook(Struct, kw_only=True, rename="camel"):
    """An action to be done. `custom` is the action's configured body, with parameters; of a
    decision on a reported item also `reason` and `reportHistory`. `userStrikeCount` includes this
    one. `trial`: somebody tries the endpoint out, and nothing is to be done to the item."""

    item: WebhookItem
    action: WebhookAction
    policies: list[WebhookPolicy]
    rules: list[WebhookRule]
    custom: dict[str, Any]
    actor_email: str | UnsetType = UNSET
    actor_note: str | UnsetType = UNSET
    creator: ItemRef | UnsetType = UNSET
    decision_reason: str | UnsetType = UNSET
    user_strike_count: int | UnsetType = UNSET
    trial: bool | UnsetType = UNSET


class AppealWebhook(Struct, kw_only=True, rename="camel"):
    """What came of an appeal. ACCEPT: the action was wrong, and is to be undone."""

    appeal_id: str
    item: ItemRef
    appealed_by: ItemRef
    appeal_decision: Literal["ACCEPT", "REJECT"]
    custom: dict[str, Any] | UnsetType = UNSET


class IgnoredWebhook(Struct, kw_only=True, rename="camel"):
    """A person looked at the item, and nothing is to be done."""

    id: str
    type_id: str
    data: dict[str, Any]


class PreservedMedium(Struct, kw_only=True, rename="camel"):
    """A medium that was reported to NCMEC."""

    id: str
    type_id: str
    url: str


class PreservationWebhook(Struct, kw_only=True, rename="camel"):
    """A report to NCMEC was filed: what the platform has of it is to be preserved. `reportId` is
    NCMEC's."""

    cybertip_id: str
    report_id: str | None
    environment: Literal["TEST", "PRODUCTION"]
    user: ItemRef
    reported_media: list[PreservedMedium]


class ItemsQuestion(Struct, kw_only=True, rename="camel"):
    """Which items are to be told as they are now. Those that are no more stay out of the answer."""

    items: list[ItemRef]


class InfoQuestion(Struct, kw_only=True, rename="camel"):
    """What is known of these users and media, for a report to NCMEC."""

    users: list[ItemRef]
    media: list[ItemRef]


class InfoEvent(Struct, kw_only=True, rename="camel"):
    """An address that the platform saw."""

    ip_address: str
    event_name: EventName | None = None
    date_time: datetime | None = None
    possible_proxy: bool | None = None
    port: int | None = None


class InfoEmail(Struct, kw_only=True, rename="camel"):
    """An address for mail."""

    email: str
    type: Literal["Home", "Work", "Business"] | None = None
    verified: bool | None = None
    verification_date: datetime | None = None


class InfoPhone(Struct, kw_only=True, rename="camel"):
    """A number."""

    phone: str
    verified: bool | None = None


class InfoDevice(Struct, kw_only=True, rename="camel"):
    """A device that the platform saw."""

    id_type: str
    id_value: str
    event_name: EventName | None = None
    date_time: datetime | None = None


class InfoPlace(Struct, kw_only=True, rename="camel"):
    """Where the platform thinks somebody is."""

    city: str | None = None
    region: str | None = None
    country_code: str | None = None
    verified: bool | None = None
    timestamp: datetime | None = None


class InfoUser(Struct, kw_only=True, rename="camel"):
    """A user, as the platform knows them."""

    id: str
    type_id: str
    screen_name: str | None = None
    email: list[InfoEmail] = []
    phone: list[InfoPhone] = []
    ip_capture_event: list[InfoEvent] = []
    device_id: list[InfoDevice] = []
    estimated_location: InfoPlace | None = None
    profile_url: list[str] = []


class InfoHash(Struct, kw_only=True, rename="camel"):
    """A hash of the file as it was uploaded."""

    hash: str
    hash_type: str


class InfoMedium(Struct, kw_only=True, rename="camel"):
    """A medium, as the platform knows it. `missing`: it is no more."""

    id: str
    type_id: str
    ip_capture_event: list[InfoEvent] = []
    additional_info: list[str] = []
    file_name: str | None = None
    missing: bool = False
    publicly_available: bool | None = None
    file_details: list[InfoHash] = []
    device_id: list[InfoDevice] = []
    uploaded_at: datetime | None = None
    exif: dict[str, str] = {}


class InfoFile(Struct, kw_only=True, rename="camel"):
    """One more file for the report."""

    file_url: str
    file_name: str | None = None
    additional_info: list[str] = []


class InfoAnswer(Struct, kw_only=True, rename="camel"):
    """What the platform adds to a report: each user and medium that it was asked about."""

    users: list[InfoUser]
    media: list[InfoMedium] = []
    additional_files: list[InfoFile] = []
    additional_info: str | None = None


WEBHOOKS: Final[dict[str, tuple[str, type[Struct], str | None]]] = {
    "action": ("Do an action", ActionWebhook, None),
    "appeal": ("Hear what came of an appeal", AppealWebhook, None),
    "ignored": ("Hear that nothing is to be done", IgnoredWebhook, None),
    "items": ("Say how items are now", ItemsQuestion, "Items"),
    "additional-info": ("Say what is known, for a report to NCMEC", InfoQuestion, "InfoAnswer"),
    "preservation": ("Preserve what was reported to NCMEC", PreservationWebhook, None),
}
"""By name: what it is for, its body, and the schema that an answer has, where one is read."""
