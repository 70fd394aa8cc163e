"""What a platform adds to a report: its additional-info endpoint's answer, read.

    POST {"users": [{id, typeId}], "media": [{id, typeId}]}
    ──▶  {"users": […], "media": […], "additionalFiles": […], "additionalInfo": "…"}

Guarantees: what is wrong with one entry leaves the others; each fault is told by its place, never
by its value. What was not asked for is left out.
Must not: do I/O.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from coop_contracts.event import ItemRef
from coop_ncmec_reporter.filing import EventName


class AnsweredEvent(Struct, frozen=True, kw_only=True, rename="camel"):
    """An address that the platform saw."""

    ip_address: str
    event_name: EventName | None = None
    date_time: datetime | None = None
    possible_proxy: bool | None = None
    port: int | None = None


class AnsweredEmail(Struct, frozen=True, kw_only=True, rename="camel"):
    """An address for mail."""

    email: str
    type: Literal["Home", "Work", "Business"] | None = None
    verified: bool | None = None
    verification_date: datetime | None = None


class AnsweredPhone(Struct, frozen=True, kw_only=True, rename="camel"):
    """A number."""

    phone: str
    verified: bool | None = None


class AnsweredDevice(Struct, frozen=True, kw_only=True, rename="camel"):
    """A device that the platform saw."""

    id_type: str
    id_value: str
    event_name: EventName | None = None
    date_time: datetime | None = None


class AnsweredPlace(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the platform thinks somebody is."""

    city: str | None = None
    region: str | None = None
    country_code: str | None = None
    verified: bool | None = None
    timestamp: datetime | None = None


class AnsweredUser(Struct, frozen=True, kw_only=True, rename="camel"):
    """A user, as the platform knows them."""

    id: str
    type_id: str
    screen_name: str | None = None
    email: tuple[AnsweredEmail, ...] = ()
    phone: tuple[AnsweredPhone, ...] = ()
    ip_capture_event: tuple[AnsweredEvent, ...] = ()
    device_id: tuple[AnsweredDevice, ...] = ()
    estimated_location: AnsweredPlace | None = None
    profile_url: tuple[str, ...] = ()


class AnsweredHash(Struct, frozen=True, kw_only=True, rename="camel"):
    """A hash of the file as it was uploaded."""

    hash: str
    hash_type: str


class AnsweredMedium(Struct, frozen=True, kw_only=True, rename="camel"):
    """A medium, as the platform knows it. `missing`: it is no more."""

    id: str
    type_id: str
    ip_capture_event: tuple[AnsweredEvent, ...] = ()
    additional_info: tuple[str, ...] = ()
    file_name: str | None = None
    missing: bool = False
    publicly_available: bool | None = None
    file_details: tuple[AnsweredHash, ...] = ()
    device_id: tuple[AnsweredDevice, ...] = ()
    uploaded_at: datetime | None = None
    exif: dict[str, str] = {}


class AnsweredFile(Struct, frozen=True, kw_only=True, rename="camel"):
    """One more file for the report."""

    file_url: str
    file_name: str | None = None
    additional_info: tuple[str, ...] = ()


class PlatformAnswer(Struct, frozen=True, kw_only=True):
    """What could be read. `faults` are those of the answer, for people."""

    users: dict[str, AnsweredUser] = {}
    media: dict[str, AnsweredMedium] = {}
    files: tuple[AnsweredFile, ...] = ()
    additional_info: str | None = None
    faults: tuple[str, ...] = ()

    def user(self, item: ItemRef) -> AnsweredUser | None:
        """What is known of them."""
        return self.users.get(key_of(item.type_id, item.id))

    def medium(self, item: ItemRef) -> AnsweredMedium | None:
        """What is known of it."""
        return self.media.get(key_of(item.type_id, item.id))


class UnusableAnswer(Exception):
    """Nothing of the answer can be read; it is asked for again."""


T = TypeVar("T", AnsweredUser, AnsweredMedium, AnsweredFile)
_MOST_FAULTS = 20


def key_of(type_id: str, item_id: str) -> str:
    """An item as a key."""
    return f"{type_id}/{item_id}"


def question(users: Collection[ItemRef], media: Collection[ItemRef]) -> bytes:
    """What the platform is asked."""
    asked = {
        "users": [{"id": one.id, "typeId": one.type_id} for one in users],
        "media": [{"id": one.id, "typeId": one.type_id} for one in media],
    }
    return msgspec.json.encode(asked)


def read(body: bytes, users: Collection[ItemRef], media: Collection[ItemRef]) -> PlatformAnswer:
    """The answer to `question`. Raises UnusableAnswer."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnusableAnswer("the answer is no JSON") from None
    if not isinstance(told, dict):
        raise UnusableAnswer("the answer is no object")
    faults: list[str] = []
    wanted = {key_of(one.type_id, one.id) for one in [*users, *media]}
    found_users = {
        key_of(one.type_id, one.id): one for one in _each(told, "users", AnsweredUser, faults)
    }
    found_media = {
        key_of(one.type_id, one.id): one for one in _each(told, "media", AnsweredMedium, faults)
    }
    for kind, asked, found in (("user", users, found_users), ("medium", media, found_media)):
        left = sum(key_of(one.type_id, one.id) not in found for one in asked)
        if left:
            faults.append(f"nothing was said of {left} {kind}{'' if left == 1 else ' items'}")
    info = told.get("additionalInfo")
    if isinstance(info, list):
        info = "\n".join(one for one in info if isinstance(one, str))
    return PlatformAnswer(
        users={key: one for key, one in found_users.items() if key in wanted},
        media={key: one for key, one in found_media.items() if key in wanted},
        files=tuple(_each(told, "additionalFiles", AnsweredFile, faults)),
        additional_info=info if isinstance(info, str) and info.strip() else None,
        faults=tuple(faults[:_MOST_FAULTS]),
    )


def _each(told: dict[str, Any], name: str, kind: type[T], faults: list[str]) -> list[T]:
    entries = told.get(name)
    if entries is None:
        return []
    if not isinstance(entries, list):
        faults.append(f"/{name}: must be a list")
        return []
    found = []
    for position, entry in enumerate(entries):
        try:
            found.append(msgspec.convert(_tolerant(entry), kind))
        except msgspec.ValidationError as error:
            # The message names the place and the types, not the value.
            faults.append(f"/{name}/{position}: {str(error)[:200]}")
    return found


_LISTS = frozenset(
    {"email", "phone", "ipCaptureEvent", "deviceId", "profileUrl", "additionalInfo", "fileDetails"}
)


def _tolerant(entry: Any) -> Any:
    """As platforms write it: null for nothing, one thing for a list of one."""
    if not isinstance(entry, dict):
        return entry
    given = {name: value for name, value in entry.items() if value is not None}
    for name in _LISTS & given.keys():
        if not isinstance(given[name], list):
            given[name] = [given[name]]
    return given
