"""What a reviewer says of a report to NCMEC. Data only.

Must not: hold an address: a medium is named by its item and where it is in the item's data.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from coop_contracts.event import (
    FileAnnotation,
    IncidentType,
    ItemRef,
    MediumClass,
    ReportAnnotation,
)


class ChosenMedium(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A medium of the report: `pointer` leads to it in its item's data."""

    item: ItemRef
    pointer: str
    classification: MediumClass | None = None
    annotations: tuple[FileAnnotation, ...] = ()
    relevance: Literal["REPORTED", "SUPPLEMENTAL"] = "REPORTED"


class ChosenThread(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Messages of a thread, in order."""

    thread: ItemRef
    messages: tuple[ItemRef, ...]


class ChosenPerson(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A victim, or who was meant to receive something."""

    user: ItemRef
    age: int | None = None
    notes: str | None = None


class NcmecReport(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The report. What was confirmed: `confirmed_user_id`, typed; `environment`, as it was shown;
    `further`, that the user was reported before."""

    incident: IncidentType
    environment: Literal["TEST", "PRODUCTION"]
    confirmed_user_id: str
    media: tuple[ChosenMedium, ...] = ()
    threads: tuple[ChosenThread, ...] = ()
    victims: tuple[ChosenPerson, ...] = ()
    recipients: tuple[ChosenPerson, ...] = ()
    annotations: tuple[ReportAnnotation, ...] = ()
    high_priority: str | None = None
    additional_info: str | None = None
    further: bool = False
