"""Areas that hold a geohash: as trying one after the other, but fast."""

from __future__ import annotations

import math
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coop_contracts.config import Bounds, Geometry, GooglePlace, Location, Point
from coop_rules.matching.geo import (
    EARTH_RADIUS,
    Areas,
    UnknownPlace,
    contains,
    decode,
    distance,
    location_problem,
)
from coop_rules.matching.location import NOWHERE, with_cell

_DIGITS = "0123456789bcdefghjkmnpqrstuvwxyz"


def circle(lat: float, lng: float, radius: float | None, *, name: str = "") -> Location:
    geometry = Geometry(center=Point(lat=lat, lng=lng), radius=radius)
    return Location(id=f"id-{name}", name=name, geometry=geometry)


def rectangle(south: float, west: float, north: float, east: float) -> Location:
    return Location(
        id="box",
        geometry=Geometry(center=Point(lat=(south + north) / 2, lng=(west + east) / 2)),
        bounds=Bounds(
            northeast_corner=Point(lat=north, lng=east), southwest_corner=Point(lat=south, lng=west)
        ),
    )


@pytest.mark.parametrize(
    ("geohash", "lat", "lng"),
    [
        ("ezs42", 42.605, -5.603),
        ("u4pruydqqvj", 57.64911, 10.40744),
        ("U4PRUYDQQVJ", 57.64911, 10.40744),
        ("9q8yyk8ytpxr", 37.77493, -122.41942),
        ("s", 22.5, 22.5),
        ("7zzzzzzz", 0.0, 0.0),
    ],
)
def test_decode(geohash: str, lat: float, lng: float) -> None:
    """A geohash is the centre of its cell."""
    point = decode(geohash)
    assert (point.lat, point.lng) == pytest.approx((lat, lng), abs=1e-3)


@pytest.mark.parametrize("geohash", ["", "a", "u4i", "u4 ", "é", "z" * 25])
def test_bad_geohash(geohash: str) -> None:
    """What is no geohash is an error, not a place."""
    with pytest.raises(ValueError, match="geohash"):
        Areas([circle(0, 0, 10_000)]).find(geohash)


def test_distance() -> None:
    """Haversine miles on a sphere of 3,959 miles radius."""
    london, paris = Point(lat=51.5074, lng=-0.1278), Point(lat=48.8566, lng=2.3522)
    assert distance(london, paris) == pytest.approx(213.5, abs=0.5)
    assert distance(Point(lat=90, lng=0), Point(lat=-90, lng=77)) == pytest.approx(
        math.pi * EARTH_RADIUS
    )


def test_edges_are_outside() -> None:
    """Radius and bounds are strict."""
    center = decode("s")
    point = decode("ezs42")
    radius = distance(center, point)
    assert not contains(circle(center.lat, center.lng, radius), point)
    assert contains(circle(center.lat, center.lng, radius + 1e-9), point)
    assert not contains(rectangle(point.lat, 0, 60, 30), Point(lat=point.lat, lng=10))
    assert contains(rectangle(point.lat - 1e-9, 0, 60, 30), Point(lat=point.lat, lng=10))
    assert not contains(circle(0, 0, None), Point(lat=0, lng=0))


def test_across_the_antimeridian() -> None:
    """Fiji is inside bounds and circles that cross 180 degrees."""
    areas = Areas([rectangle(-22, 176, -12, -177)])
    assert areas.find(encode(-17.8, 177.9)) == "box"
    assert areas.find(encode(-17.8, -179.3)) == "box"
    assert areas.find(encode(-17.8, -176.9)) is None
    assert areas.find(encode(-17.8, 175.9)) is None
    wide = Areas([circle(-17, 179.9, 150, name="Fiji")])
    assert wide.find(encode(-17, -179)) == "Fiji"
    assert wide.find(encode(-17, 179)) == "Fiji"


def test_first_of_several_is_named() -> None:
    """Of areas that overlap the first in the bank is named, by name or else by id."""
    small, large = circle(42.6, -5.6, 5), circle(42.6, -5.6, 5000, name="large")
    assert Areas([small, large]).find("ezs42") == "id-"
    assert Areas([large, small]).find("ezs42") == "large"


latitudes = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, 0.0, 89.99, 90.0]))
longitudes = st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, 0.0, 179.99, 180.0]))
radii = st.one_of(st.floats(0.001, 50), st.floats(0.001, 13_000))
circles = st.builds(circle, latitudes, longitudes, radii)
rectangles = st.tuples(latitudes, longitudes, latitudes, longitudes).map(
    lambda at: rectangle(min(at[0], at[2]), at[1], max(at[0], at[2]), at[3])
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.one_of(circles, rectangles), max_size=12),
    st.lists(st.text(_DIGITS, min_size=1, max_size=9), min_size=1, max_size=8),
)
def test_index_equals_a_loop(locations: list[Location], geohashes: list[str]) -> None:
    """The index answers as a loop over all areas does."""
    named = [
        Location(id=str(n), geometry=one.geometry, bounds=one.bounds)
        for n, one in enumerate(locations)
    ]
    areas = Areas(named)
    for geohash in geohashes:
        point = decode(geohash)
        assert areas.find(geohash) == next((a.id for a in named if contains(a, point)), None)


@settings(max_examples=300, deadline=None)
@given(circles, st.floats(0, 360), st.floats(0, 1))
def test_points_of_a_circle_are_in_its_cells(area: Location, angle: float, share: float) -> None:
    """No point of a circle is lost to the index, whichever direction it lies in."""
    center, radius = area.geometry.center, area.geometry.radius or 0
    reach, bearing = share * radius / EARTH_RADIUS, math.radians(angle)
    lat1, lng1 = math.radians(center.lat), math.radians(center.lng)
    lat = math.asin(
        max(
            -1,
            min(
                1,
                math.sin(lat1) * math.cos(reach)
                + math.cos(lat1) * math.sin(reach) * math.cos(bearing),
            ),
        )
    )
    lng = lng1 + math.atan2(
        math.sin(bearing) * math.sin(reach) * math.cos(lat1),
        math.cos(reach) - math.sin(lat1) * math.sin(lat),
    )
    geohash = encode(math.degrees(lat), (math.degrees(lng) + 540) % 360 - 180)
    expected = area.name or area.id if contains(area, decode(geohash)) else None
    assert Areas([area]).find(geohash) == expected


def encode(lat: float, lng: float) -> str:
    """The geohash of 10 characters of a place."""
    south, north, west, east = -90.0, 90.0, -180.0, 180.0
    text, value = "", 0
    for bit in range(50):
        if bit % 2 == 0:
            middle = (west + east) / 2
            one = lng >= middle
            west, east = (middle, east) if one else (west, middle)
        else:
            middle = (south + north) / 2
            one = lat >= middle
            south, north = (middle, north) if one else (south, middle)
        value = value * 2 + one
        if bit % 5 == 4:
            text += _DIGITS[value]
            value = 0
    return text


def test_ten_thousand_areas_are_fast() -> None:
    """Ten thousand areas cost a small part of what a loop over them costs."""
    source = random.Random(4)
    named = [
        circle(source.uniform(-80, 80), source.uniform(-180, 180), source.choice([1, 20, 300]))
        for _ in range(10_000)
    ]
    areas = Areas(named)
    geohashes = ["".join(source.choices(_DIGITS, k=8)) for _ in range(200)]
    began = time.process_time()
    found = [areas.find(geohash) for geohash in geohashes]
    indexed = time.process_time() - began
    began = time.process_time()
    for geohash, answer in zip(geohashes[:5], found, strict=False):
        point = decode(geohash)
        assert any(contains(area, point) for area in named) == (answer is not None)
    loop = (time.process_time() - began) * 40
    assert indexed * 10 < loop


@pytest.mark.parametrize(
    ("area", "place"),
    [
        (circle(91, 0, 1), "/geometry/center/lat"),
        (circle(math.nan, 0, 1), "/geometry/center/lat"),
        (circle(0, -181, 1), "/geometry/center/lng"),
        (circle(0, 0, 0), "/geometry/radius"),
        (circle(0, 0, math.inf), "/geometry/radius"),
        (circle(0, 0, None), "/geometry/radius"),
        (rectangle(10, 0, 10, 5), "/bounds"),
        (rectangle(0, 0, 95, 5), "/bounds/northeastCorner/lat"),
    ],
)
def test_bad_areas_are_named(area: Location, place: str) -> None:
    """What cannot be an area is refused with its place."""
    problem = location_problem(area)
    assert problem is not None
    assert problem[0] == place
    assert Areas([area]).find("s") is None or place != "/geometry/radius"


def test_good_areas_have_no_problem() -> None:
    """A circle, a rectangle and one across the antimeridian are good."""
    for area in (circle(0, 0, 1), rectangle(0, 0, 5, 5), rectangle(-5, 170, 5, -170)):
        assert location_problem(area) is None


@settings(max_examples=200, deadline=None)
@given(
    st.text(_DIGITS, min_size=1, max_size=9),
    st.text(_DIGITS, min_size=1, max_size=9),
)
def test_a_cell_holds_what_begins_with_it(cell: str, geohash: str) -> None:
    """The area of a geohash holds those that begin with it, and no others of the same length or
    longer."""
    area = with_cell(Location(id="cell", geometry=NOWHERE, geohash=cell))
    areas = Areas([area])
    assert areas.find(cell + geohash) == "cell"
    assert areas.find(cell.upper()) == "cell"
    if len(geohash) >= len(cell):
        assert (areas.find(geohash) == "cell") == geohash.startswith(cell)


def test_a_place_that_is_not_known() -> None:
    """A place without an area holds nothing; where the answer depends on it there is none."""
    unknown = Location(
        id="1", name="Paris", geometry=NOWHERE, google_place_info=GooglePlace(id="x")
    )
    assert location_problem(unknown) is None
    areas = Areas([unknown, circle(48.85, 2.35, 20, name="here")])
    assert areas.find("u09tvw0f6") == "here"
    with pytest.raises(UnknownPlace, match="Paris"):
        areas.find("s0000")
