"""Locations as GeoJSON (RFC 7946), where longitude comes first.

A circle is a point with the property `radius` (miles). A rectangle is a polygon of four corners.
Over the antimeridian it is, in any of the ways that tools write it:

    two polygons that meet there, as a MultiPolygon   [[170…180], [-180…-170]]   the RFC's way
    a `bbox` whose west is east of its east           [170, -10, -170, 10]
    longitudes beyond 180                             170…190
    corners more than 180 degrees apart, clockwise    170, -170, -170, 170

Must not: read files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from coop_contracts.config import Bounds, Geometry, Location, Point

_NO_AREA = "an area is a point with a radius, or a rectangle"
_Ring = list[list[float]]


class NotALocation(ValueError):
    """Why a feature is no location, and where in it."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(reason)
        self.place = place


class _Shape(Struct, frozen=True):
    type: str
    coordinates: Any


class _Feature(Struct, frozen=True, kw_only=True):
    geometry: _Shape
    properties: dict[str, Any] | None = None
    id: str | int | None = None
    bbox: list[float] | None = None


class _Box(NamedTuple):
    south: float
    west: float
    north: float
    east: float


def feature(value: object) -> Location:
    """The location of a feature; its id is empty where it has none. Raises NotALocation."""
    try:
        found = msgspec.convert(value, _Feature)
        known = found.properties or {}
        name = msgspec.convert(known.get("name") or "", str)
        id = str(found.id if found.id is not None else known.get("id") or "")  # noqa: A001
        if found.geometry.type == "Point":
            lng, lat = msgspec.convert(found.geometry.coordinates, list[float])[:2]
            radius = msgspec.convert(known.get("radius"), float | None)
            center = Point(lat=lat, lng=lng)
            return Location(id=id, name=name, geometry=Geometry(center=center, radius=radius))
        box = _rectangle(found)
    except (msgspec.ValidationError, IndexError, ValueError) as error:
        if isinstance(error, NotALocation):
            raise
        raise NotALocation("", str(error)) from error
    bounds = bounds_of(box.south, box.west, box.north, box.east)
    return Location(id=id, name=name, geometry=Geometry(center=center_of(bounds)), bounds=bounds)


def _rectangle(found: _Feature) -> _Box:
    shape = found.geometry
    if shape.type == "Polygon":
        box = _box(_outline(msgspec.convert(shape.coordinates, list[_Ring])))
        bbox = found.bbox
        if bbox is not None and len(bbox) == 4 and bbox[0] > bbox[2]:
            if {bbox[0], bbox[2]} != {box.west, box.east}:
                raise NotALocation("/bbox", "is not that of the rectangle")
            return box._replace(west=bbox[0], east=bbox[2])
        return box
    if shape.type == "MultiPolygon":
        polygons = msgspec.convert(shape.coordinates, list[list[_Ring]])
        boxes = [_box(_outline(polygon)) for polygon in polygons]
        for left, right in (boxes, boxes[::-1]) if len(boxes) == 2 else ():
            same = (left.south, left.north) == (right.south, right.north)
            if same and left.east == 180 and right.west == -180:
                return left._replace(east=right.east)
    raise NotALocation("/geometry", _NO_AREA)


def _outline(polygon: Sequence[_Ring]) -> _Ring:
    if len(polygon) != 1:
        raise NotALocation("/geometry", f"{_NO_AREA} without holes")
    return polygon[0]


def _box(ring: _Ring) -> _Box:
    corners = {(point[0], point[1]) for point in ring}
    lngs, lats = sorted({one[0] for one in corners}), sorted({one[1] for one in corners})
    if (len(corners), len(lngs), len(lats)) != (4, 2, 2):
        raise NotALocation("/geometry", _NO_AREA)
    west, east = lngs
    if not -360 <= west < east <= 360 or east - west > 360:
        raise NotALocation("/geometry", "a longitude is from -180 to 180 degrees")
    if west < -180 or east > 180:
        west, east = _within(west), _within(east)
    elif east - west > 180 and _is_clockwise(ring):
        west, east = east, west  # the short way round
    return _Box(lats[0], west, lats[1], east)


def _within(lng: float) -> float:
    return lng - 360 if lng > 180 else lng + 360 if lng < -180 else lng


def _is_clockwise(ring: Sequence[Sequence[float]]) -> bool:
    around = zip(ring, [*ring[1:], ring[0]], strict=True)
    return sum((after[0] - one[0]) * (after[1] + one[1]) for one, after in around) > 0


def bounds_of(south: float, west: float, north: float, east: float) -> Bounds:
    return Bounds(
        northeast_corner=Point(lat=north, lng=east), southwest_corner=Point(lat=south, lng=west)
    )


def center_of(bounds: Bounds) -> Point:
    """The middle of a rectangle, also over the antimeridian."""
    southwest, northeast = bounds.southwest_corner, bounds.northeast_corner
    east = northeast.lng + (360 if northeast.lng < southwest.lng else 0)
    lng = (southwest.lng + east) / 2
    return Point(lat=(southwest.lat + northeast.lat) / 2, lng=lng - 360 if lng > 180 else lng)
