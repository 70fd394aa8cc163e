"""A location as it is sent: a circle, a rectangle, a geohash's cell, or a place of Google Maps.

Guarantees: a cell's area is made of its geohash; a place's area is what was said of it, or unknown,
never made up.
Must not: ask anybody where a place is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import structs

from coop_contracts.config import Bounds, Geometry, GooglePlace, Location, Point
from coop_rules.matching.geo import cell, is_unknown

__all__ = ["NOWHERE", "is_unknown", "location_of", "with_cell"]

NOWHERE: Final = Geometry(center=Point(lat=0, lng=0))
"""The geometry of a place that is not known: a point without an area holds nothing."""


def location_of(sent: Mapping[str, Any], *, id: str = "") -> Location:  # noqa: A002
    """The location of its JSON, nulls left out; `id` where it has none. The geometry may be left
    out where a geohash or a place says it.

    Raises:
        msgspec.ValidationError: it is no location.
        ValueError: its geohash is none.
    """
    present = {name: value for name, value in sent.items() if value is not None}
    if id and not present.get("id"):
        present["id"] = id
    if "geohash" in present or "googlePlaceInfo" in present:
        present.setdefault("geometry", {"center": {"lat": 0, "lng": 0}})
    return with_cell(msgspec.convert(present, Location))


def with_cell(location: Location) -> Location:
    """The location; of a geohash with the area of its cell. Raises ValueError: it is no geohash."""
    if location.geohash is None:
        return location
    south, west, north, east = cell(location.geohash)
    return structs.replace(
        location,
        geometry=Geometry(center=Point(lat=(south + north) / 2, lng=(west + east) / 2)),
        bounds=Bounds(
            southwest_corner=Point(lat=south, lng=west), northeast_corner=Point(lat=north, lng=east)
        ),
    )


def meaning(location: Location) -> Location:
    """The location without when and how often its place was asked for: what a condition means."""
    place = location.google_place_info
    if place is None:
        return location
    return structs.replace(location, google_place_info=GooglePlace(id=place.id))
