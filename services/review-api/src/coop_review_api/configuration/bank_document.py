"""Banks on this API's wire: what comes in (`…Body`) and what goes out (`…View`)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from coop_review_api.configuration.document_model import (
    DocumentBody,
    Id,
    Name,
    Stamped,
    Text255,
    Text2000,
    WarningView,
)
from coop_review_api.http.body import Body, Model
from coop_rules.matching.bank import MAX_LOCATIONS, MAX_REGEX, MAX_STRINGS

BankEntry = Annotated[str, Field(max_length=MAX_REGEX)]


class TextBankBody(DocumentBody):
    """Strings, or patterns in RE2's syntax, that rules look for. Import a large bank."""

    name: Name
    type: Literal["STRING", "REGEX"]
    strings: Annotated[list[BankEntry], Field(max_length=MAX_STRINGS)]
    description: Text2000 = ""


class TextBankView(Stamped):
    """`strings` is null in lists, where the bank is large; `warnings` in lists and of past
    revisions."""

    name: str
    type: Literal["STRING", "REGEX"]
    strings: list[str] | None
    entry_count: int | None
    description: str = ""
    warnings: list[WarningView] | None = None


class PointFields(Body):
    """Degrees, WGS 84."""

    lat: float
    lng: float


class BoundsFields(Body):
    northeast_corner: PointFields
    southwest_corner: PointFields


class GeometryFields(Body):
    """`radius` is in miles; it may be left out where there are bounds."""

    center: PointFields
    radius: float | None = None


class GooglePlaceFields(Body):
    """A place of Google Maps by its place id. When its area was had, and why not, is said by this
    system, whatever is sent."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,500}$")]
    resolved_at: datetime | None = None
    problem: str = ""


class LocationFields(Body):
    """One of: a circle (`geometry` with a radius); a rectangle (`bounds`); the cell of a `geohash`;
    a place of Google Maps (`googlePlaceInfo`). Of the latter two the geometry may be left out: it
    is the cell's, or what the provider says. Without an `id` it gets one."""

    geometry: GeometryFields | None = None
    id: Id | None = None
    name: Text255 = ""
    bounds: BoundsFields | None = None
    geohash: Annotated[str, Field(pattern=r"^[0-9a-zA-Z]{1,24}$")] | None = None
    google_place_info: GooglePlaceFields | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.geometry is None and self.geohash is None and self.google_place_info is None:
            raise ValueError("needs a geometry, a geohash or a place")
        return self


class LocationBankBody(DocumentBody):
    """Places that rules look for. A large bank is better imported."""

    name: Name
    locations: Annotated[list[LocationFields], Field(max_length=MAX_LOCATIONS)]
    description: Text2000 = ""


class LocationView(LocationFields):
    """`geometry` is null while a place is not known."""

    id: str


class LocationBankView(Stamped):
    """`locations` is null in lists, where the bank is large; `warnings` in lists and of past
    revisions."""

    name: str
    locations: list[LocationView] | None
    entry_count: int | None
    description: str = ""
    warnings: list[WarningView] | None = None


class HashBankBody(DocumentBody):
    """A bank of media hashes. Its contents are kept by the Hasher-Matcher-Actioner; `enabledRatio`
    is the share of them that match. With `knownGood`, which stays as it was when the bank was made,
    it has what is harmless: no rule passes by it, and a medium that is in it by its very hash is
    not taken for what other banks have nearly."""

    name: Name
    description: Text2000 = ""
    enabled_ratio: Annotated[float, Field(ge=0, le=1)] = 1.0
    known_good: bool | None = None


class HashBankView(Stamped):
    """`hmaName` is the bank's name at the Hasher-Matcher-Actioner; it stays when the bank is
    renamed."""

    name: str
    hma_name: str
    description: str = ""
    enabled_ratio: float = 1.0
    known_good: bool = False


class TextBankPatchBody(Body):
    """Entries to add and to remove; those that are there (or not there) already do not matter."""

    add: Annotated[list[BankEntry], Field(max_length=MAX_STRINGS)] = Field(default_factory=list)
    remove: Annotated[list[BankEntry], Field(max_length=MAX_STRINGS)] = Field(default_factory=list)


class LocationBankPatchBody(Body):
    """Locations to add (or replace, by id) and ids of those to remove."""

    add: Annotated[list[LocationFields], Field(max_length=MAX_LOCATIONS)] = Field(
        default_factory=list
    )
    remove: Annotated[list[Id], Field(max_length=MAX_LOCATIONS)] = Field(default_factory=list)


class BankChangeView(Model):
    """What a change of a bank's entries did. `duplicates` and `blank` entries of a file were left
    out. `warnings` are of the bank as it is now. Of a trial (`dryRun`) all is said and nothing was
    done; the first 100 entries added and removed are named, locations as JSON."""

    id: str
    revision: int
    entry_count: int
    added: int
    removed: int
    duplicates: int = 0
    blank: int = 0
    warnings: list[WarningView] = Field(default_factory=list)
    dry_run: bool = False
    added_entries: list[str] = Field(default_factory=list)
    removed_entries: list[str] = Field(default_factory=list)
