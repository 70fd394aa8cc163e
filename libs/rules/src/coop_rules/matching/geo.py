"""Whether a geohash lies in one of many areas.

Guarantees: the answer is that of trying the areas one after the other in their order; its cost does
not grow with their number, but with how many overlap at the place.
Must not: look anything up.

A geohash of an item stands for the centre of its cell. An area with bounds is the rectangle between
its corners, without its edges, across the antimeridian where its west is east of its east; any
other is the circle around its centre, by the haversine distance on a sphere of 3,959 miles radius,
without its edge. (Both as in Coop.)

Index. Grids of cells of 60, 15, 4, 1, 1/4 and 1/16 degrees; an area is entered in the finest grid
in which it touches at most nine cells, or else on a list of its own. A place is looked for in its
one cell of each grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from coop_contracts.config import Location, Point

EARTH_RADIUS = 3959.0  # miles
_DIGITS = {digit: value for value, digit in enumerate("0123456789bcdefghjkmnpqrstuvwxyz")}
_MAX_LENGTH = 24  # characters of a geohash; 12 are a few centimetres
_GRIDS = (1 / 16, 1 / 4, 1.0, 4.0, 15.0, 60.0)  # degrees a cell, finest first; 360 is a multiple
_MAX_CELLS = 9
_SLACK = 1e-9  # degrees; rounding must not lose a place at an edge of a box

Box = tuple[float, float, float, float]
"""South, west, north, east in degrees; west ≤ east, both may lie beyond ±180."""


def decode(geohash: str) -> Point:
    """The centre of a geohash's cell, in degrees.

    Raises:
        ValueError: it is empty, too long or has a character that no geohash has.
    """
    south, west, north, east = cell(geohash)
    return Point(lat=(south + north) / 2, lng=(west + east) / 2)


def cell(geohash: str) -> Box:
    """A geohash's cell. Raises ValueError as `decode`."""
    if not 0 < len(geohash) <= _MAX_LENGTH:
        raise ValueError("a geohash has 1 to 24 characters")
    south, north, west, east = -90.0, 90.0, -180.0, 180.0
    is_longitude = True
    for character in geohash.lower():
        value = _DIGITS.get(character)
        if value is None:
            raise ValueError(f"no geohash has the character {character!r}")
        for bit in (16, 8, 4, 2, 1):
            if is_longitude:
                middle = (west + east) / 2
                west, east = (middle, east) if value & bit else (west, middle)
            else:
                middle = (south + north) / 2
                south, north = (middle, north) if value & bit else (south, middle)
            is_longitude = not is_longitude
    return south, west, north, east


def is_unknown(location: Location) -> bool:
    """Whether it is a place whose area is not known yet."""
    has_area = location.bounds is not None or location.geometry.radius is not None
    return location.google_place_info is not None and not has_area


def distance(one: Point, other: Point) -> float:
    """Miles between two points."""
    lat1, lat2 = math.radians(one.lat), math.radians(other.lat)
    half_lat = (lat2 - lat1) / 2
    half_lng = math.radians(other.lng - one.lng) / 2
    a = math.sin(half_lat) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(half_lng) ** 2
    return 2 * EARTH_RADIUS * math.asin(min(1.0, math.sqrt(a)))


def contains(area: Location, point: Point) -> bool:
    """Whether the point lies inside the area, not on its edge."""
    if area.bounds is not None:
        southwest, northeast = area.bounds.southwest_corner, area.bounds.northeast_corner
        if not southwest.lat < point.lat < northeast.lat:
            return False
        if southwest.lng <= northeast.lng:
            return southwest.lng < point.lng < northeast.lng
        return point.lng > southwest.lng or point.lng < northeast.lng
    radius = area.geometry.radius
    return radius is not None and distance(area.geometry.center, point) < radius


def location_problem(area: Location) -> tuple[str, str] | None:
    """What is wrong with an area, with the pointer to it within the location; None if nothing. A
    place that is not known yet has none, and nothing is wrong with it."""
    if area.geohash is not None and area.google_place_info is not None:
        return "/geohash", "a location is a cell or a place, not both"
    if is_unknown(area):
        return None
    points = [("/geometry/center", area.geometry.center)]
    if area.bounds is not None:
        points += [
            ("/bounds/southwestCorner", area.bounds.southwest_corner),
            ("/bounds/northeastCorner", area.bounds.northeast_corner),
        ]
    for place, point in points:
        if not -90 <= point.lat <= 90:
            return f"{place}/lat", "a latitude is from -90 to 90 degrees"
        if not -180 <= point.lng <= 180:
            return f"{place}/lng", "a longitude is from -180 to 180 degrees"
    if area.bounds is not None:
        if area.bounds.southwest_corner.lat >= area.bounds.northeast_corner.lat:
            return "/bounds", "the south of the bounds is not south of their north"
        return None
    radius = area.geometry.radius
    if radius is None:
        return "/geometry/radius", "an area has a radius or bounds"
    if not (math.isfinite(radius) and radius > 0):
        return "/geometry/radius", "a radius is a number of miles greater than 0"
    return None


class UnknownPlace(ValueError):
    """No known area holds the geohash, and of a place the area is not known."""


class Areas:
    """Many areas, to be asked for the one that holds a place. An area with a `location_problem`
    holds none. Immutable."""

    __slots__ = ("_areas", "_grids", "_large", "_unknown")

    def __init__(self, locations: Sequence[Location]) -> None:
        self._areas = tuple(locations)
        grids: list[dict[tuple[int, int], list[int]]] = [{} for _ in _GRIDS]
        self._large: list[int] = []
        self._unknown = next((one for one in self._areas if is_unknown(one)), None)
        for index, area in enumerate(self._areas):
            good = location_problem(area) is None and not is_unknown(area)
            if good and not self._enter(index, _box(area), grids):
                self._large.append(index)
        self._grids = tuple(
            (size, cells) for size, cells in zip(_GRIDS, grids, strict=True) if cells
        )

    def __len__(self) -> int:
        return len(self._areas)

    @staticmethod
    def _enter(index: int, box: Box, grids: list[dict[tuple[int, int], list[int]]]) -> bool:
        south, west, north, east = box
        for size, cells in zip(_GRIDS, grids, strict=True):
            rows = range(math.floor(south / size), math.floor(north / size) + 1)
            columns = range(math.floor(west / size), math.floor(east / size) + 1)
            if len(rows) * len(columns) <= _MAX_CELLS:
                around = round(360 / size)
                for cell in {(row, column % around) for row in rows for column in columns}:
                    cells.setdefault(cell, []).append(index)
                return True
        return False

    def find(self, geohash: str) -> str | None:
        """The first area that holds the geohash: its name, or its id if it has none; None if there
        is none.

        Raises:
            ValueError: not a geohash.
            UnknownPlace: the answer depends on a place whose area is not known.
        """
        point = decode(geohash)
        found = len(self._areas)
        lists = [
            cells.get(
                (math.floor(point.lat / size), math.floor(point.lng / size) % round(360 / size)), ()
            )
            for size, cells in self._grids
        ]
        for indexes in (*lists, self._large):
            for index in indexes:
                if index >= found:
                    break
                if contains(self._areas[index], point):
                    found = index
                    break
        if found == len(self._areas):
            if self._unknown is not None:
                name = self._unknown.name or self._unknown.id
                raise UnknownPlace(f"the area of the place {name} is not known yet")
            return None
        area = self._areas[found]
        return area.name or area.id


def _box(area: Location) -> Box:
    """A box that holds a good area."""
    if area.bounds is not None:
        southwest, northeast = area.bounds.southwest_corner, area.bounds.northeast_corner
        east = northeast.lng + (360 if southwest.lng > northeast.lng else 0)
        return southwest.lat, southwest.lng, northeast.lat, east
    center = area.geometry.center
    angle = min((area.geometry.radius or 0) / EARTH_RADIUS, math.pi)
    reach = math.degrees(angle) + _SLACK
    south, north = center.lat - reach, center.lat + reach
    if south <= -90 or north >= 90:
        return max(south, -90.0), -180.0, min(north, 90.0), 180.0
    wide = math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(center.lat))))
    width = math.degrees(wide) + _SLACK
    return south, center.lng - width, north, center.lng + width
