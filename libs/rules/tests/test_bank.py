"""Banks: files that come back as they went, parts that survive changes, faults with their place."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coop_contracts.config import (
    BankChunk,
    Bounds,
    Geometry,
    GooglePlace,
    Location,
    LocationBank,
    Point,
    TextBank,
)
from coop_review_api.configuration.bank_file import (
    MAX_FAULTS,
    FileFormat,
    read_locations,
    read_strings,
    write_locations,
    write_strings,
)
from coop_rules.matching.bank import (
    MAX_STRINGS,
    Difference,
    locations_difference,
    locations_of,
    most,
    split_location_bank,
    split_text_bank,
    string_problem,
    strings_difference,
    strings_of,
)
from coop_rules.matching.location import NOWHERE, with_cell

_FORMS: list[FileFormat] = ["csv", "json"]
forms = st.sampled_from(_FORMS)
storable = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
entries = st.text(storable, max_size=30).filter(lambda text: text.strip() != "")
awkward = st.sampled_from(
    ["a,b", 'say "hi"', "two\nlines", "two\r\nlines", " x ", "'", "string", ";", "sep=;", "a;b"]
)
# What a spreadsheet would run as a formula, and what looks like the guard against it.
formulas = st.builds(
    "{}{}{}".format, st.text("'", max_size=3), st.sampled_from("=+-@\t\r\n＝＠"), entries
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(entries, awkward, formulas), unique=True), forms)
def test_strings_come_back(strings: list[str], form: FileFormat) -> None:
    """What was written is read back exactly, in its order."""
    read = read_strings(write_strings(strings, form), form, "STRING")
    assert read.strings == tuple(strings)
    assert (read.duplicates, read.blank, read.faulty, read.faults) == (0, 0, 0, ())


degrees = st.floats(-90, 90)
points = st.builds(Point, lat=degrees, lng=st.floats(-180, 180))
rectangles = st.builds(
    lambda one, other: Bounds(
        southwest_corner=Point(lat=min(one.lat, other.lat) - 1, lng=one.lng),
        northeast_corner=Point(lat=max(one.lat, other.lat), lng=other.lng),
    ),
    st.builds(Point, lat=st.floats(-80, 80), lng=st.floats(-180, 180)),
    st.builds(Point, lat=st.floats(-80, 80), lng=st.floats(-180, 180)),
)
geometries = st.builds(Geometry, center=points, radius=st.floats(0.001, 12_000))
locations = st.builds(
    Location,
    id=st.text("abcdef0123456789", min_size=11, max_size=11),
    name=st.text(storable, max_size=20) | formulas,
    geometry=geometries,
    bounds=st.none() | rectangles,
)


cells = st.builds(
    lambda id, name, geohash: with_cell(  # noqa: A006
        Location(id=id, name=name, geometry=NOWHERE, geohash=geohash)
    ),
    st.text("abcdef0123456789", min_size=12, max_size=12),
    st.text(storable, max_size=20),
    st.text("0123456789bcdefghjkmnpqrstuvwxyz", min_size=1, max_size=12),
)
places = st.builds(
    lambda id, name, place: Location(  # noqa: A006
        id=id, name=name, geometry=NOWHERE, google_place_info=GooglePlace(id=place)
    ),
    st.text("abcdef0123456789", min_size=13, max_size=13),
    st.text(storable, max_size=20),
    st.text("ABCabc012_-", min_size=1, max_size=30),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        locations | cells | places,
        max_size=8,
        unique_by=(lambda x: x.id, lambda x: msgspec.structs.replace(x, id="")),
    ),
    forms,
)
def test_locations_come_back(wanted: list[Location], form: FileFormat) -> None:
    """Circles, rectangles, cells and places are read back exactly, ids and numbers included."""
    read = read_locations(write_locations(wanted, form), form)
    assert read.faults == ()
    assert read.locations == tuple(wanted)
    assert (read.duplicates, read.blank, read.faulty) == (0, 0, 0)


def test_exports_hold_no_formulas() -> None:
    """No cell of an export begins as a formula does."""
    raw = write_strings(["=1+1", "+1", "-1", "@x", "\t=1", "'=1", "''x"], "csv")
    assert raw.decode().splitlines()[1:] == [
        '"\'=1+1"', '"\'+1"', '"\'-1"', '"\'@x"', '"\'\t=1"', '"\'\'=1"', '"\'\'x"'
    ]  # fmt: skip
    place = Location(
        id="-1", name="=cmd()", geometry=Geometry(center=Point(lat=-1.0, lng=-2.0), radius=3.0)
    )
    row = write_locations([place], "csv").decode().splitlines()[1]
    assert row.startswith('"\'-1","\'=cmd()",-1.0,-2.0,3.0')


def test_strings_from_people() -> None:
    """Byte order marks, blank lines, repetitions, missing headers and both line ends are fine."""
    raw = b'\xef\xbb\xbfstring\r\nspam\r\n\r\n"free, money"\n  \nspam\n\xd1\x81,\n'
    read = read_strings(raw, "csv", "STRING")
    assert read.strings == ("spam", "free, money", "с")
    assert (read.duplicates, read.blank, read.faults) == (1, 2, ())
    assert read_strings("eins\nzwei".encode("utf-16"), "csv", "STRING").strings == ("eins", "zwei")
    assert read_strings(b"", "csv", "STRING").strings == ()
    assert read_strings(b'["a", "a", " "]', "json", "STRING").blank == 1
    coop = b'{"id": "x", "name": "n", "type": "STRING", "strings": ["a"], "ownerId": null}'
    assert read_strings(coop, "json", "STRING").strings == ("a",)


def faults(raw: bytes, form: FileFormat, kind: str = "STRING") -> list[tuple[str, str]]:
    read = read_strings(raw, form, kind)  # type: ignore[arg-type]
    return [(fault.place, fault.reason) for fault in read.faults]


def test_faults_name_their_place() -> None:
    """Each thing wrong is named with its line or its place, and the rest is read."""
    read = read_strings(b"ok\na(?=b)\n\n[z-a]\nfine", "csv", "REGEX")
    assert read.strings == ("ok", "fine")
    assert [fault.place for fault in read.faults] == ["line 2", "line 4"]
    assert "(at character 2)" in read.faults[0].reason
    assert faults(b"a,b\nc", "csv")[0][0] == "line 1"
    assert "2 columns" in faults(b"a,b\nc", "csv")[0][1]
    assert faults(b'"two\nlines"\nx\na,b', "csv")[0][0] == "line 4"
    assert faults(b'ok\n"never closed', "csv")[0][0] == "line 2"
    assert faults(b"ok\n\xff\xfe\n", "csv") == [
        ("line 2", "is not in UTF-8 or UTF-16 (byte 4 of the file)")
    ]
    assert faults(b'{"strings": ["a", 5]}', "json") == [("/strings/1", "is not a string")]
    assert faults(b'["a", "' + b"x" * 1001 + b'"]', "json")[0][0] == "/1"
    assert faults(b'{"strings": 5}', "json")[0][0] == "/strings"
    assert faults(b"5", "json") == [("/", "is not an array of strings")]
    assert faults(b'["a"', "json")[0][0] == "the file"


@pytest.mark.parametrize(
    "raw",
    [
        b"string\nspam\nham\n",
        b"String\r\nspam\r\nham",
        b"STRING,\nspam,\nham,\n",
        b" string ;\nspam;\nham;\n",
        b"sep=,\nspam\nham\n",
        b"sep=;\r\nstring;;\r\nspam;;\r\nham;;\r\n",
        b"SEP=\t\nspam\t\nham\n",
        b'"sep=;"\nspam;\n"ham"\n',
        b"\nstring\nspam\nham\n",
        "sep=;\nString;\nspam;\nham".encode("utf-16"),
    ],
)
def test_headers_and_separators(raw: bytes) -> None:
    """A header in any case, empty columns at the end and a stated separator are recognised: none
    of them becomes a keyword."""
    read = read_strings(raw, "csv", "STRING")
    assert (read.strings, read.faults) == (("spam", "ham"), ())


@pytest.mark.parametrize(
    ("raw", "place", "reason"),
    [
        (b"spam;ham\nok\n", "line 1", "holds a semicolon"),
        (b"string\nok\nspam;\n", "line 3", "holds a semicolon"),
        (b"spam\tham\n", "line 1", "holds a tab"),
        (b"sep=|\nspam|ham\n", "line 1", "columns are parted by"),
        (b"String;Note\nspam;bad\n", "line 1", "one column, string; 'note'"),
        (b"note,string\nbad,spam\n", "line 1", "one column, string; 'note'"),
        (b"string,string\nspam,ham\n", "line 1", "it is twice"),
        (b"sep=;\nspam;ham\n", "line 2", "has 2 columns"),
        (b"string\nal\0pha\n", "line 2", "must not contain U+0000"),
        ("string\nalpha\n".encode("utf-16-le"), "line 1", "is not in UTF-8 or UTF-16"),
        ("string\nalpha\n".encode("utf-16-be"), "line 1", "is not in UTF-8 or UTF-16"),
        ("string\nalpha\n".encode("utf-32"), "line 1", "is not in UTF-8 or UTF-16"),
        ("string\ncafé\n".encode("latin-1"), "line 2", "is not in UTF-8 or UTF-16"),
    ],
)
def test_what_is_not_recognised_is_refused(raw: bytes, place: str, reason: str) -> None:
    """What looks like columns or another encoding is a fault with its line, never a keyword."""
    read = read_strings(raw, "csv", "STRING")
    assert read.faults[0].place == place
    assert reason in read.faults[0].reason
    assert not {"String", "spam;ham", "spam\tham", "spam;"} & set(read.strings)


def test_semicolons_in_strings() -> None:
    """A string may hold a semicolon or a tab: in quotes, or where commas part the columns."""
    assert read_strings(b'"a;b"\n"c\td"', "csv", "STRING").strings == ("a;b", "c\td")
    assert read_strings(b"sep=,\na;b\n", "csv", "STRING").strings == ("a;b",)


def test_nothing_unstorable_is_read() -> None:
    """U+0000 is a fault in every field and format, with its place."""
    assert faults(b'["ok", "a\\u0000b"]', "json") == [("/1", "must not contain U+0000")]
    assert faults(b"a\0b", "csv", "REGEX") == [("line 1", "must not contain U+0000")]
    geojson = (
        b'{"features": [{"geometry": {"type": "Point", "coordinates": [1, 2]},'
        b' "properties": {"name": "n\\u0000m", "radius": 3}}]}'
    )
    circle = b'[{"%b": "n\\u0000m", "geometry": {"center": {"lat": 1, "lng": 2}, "radius": 3}}]'
    for raw, form, place in (
        (circle % b"name", "json", "/0/name"),
        (circle % b"id", "json", "/0/id"),
        (geojson, "json", "/features/0/name"),
        (b"n\0m,1,2,3", "csv", "line 1"),
    ):
        read = read_locations(raw, form)  # type: ignore[arg-type]
        assert [(one.place, one.reason) for one in read.faults] == [
            (place, "must not contain U+0000")
        ]


def test_many_faults_are_counted() -> None:
    """Of very many faults the first are named and all are counted."""
    read = read_strings(b"(\n" + b"\n".join(b"(%d" % n for n in range(999)), "csv", "REGEX")
    assert (len(read.faults), read.faulty) == (MAX_FAULTS, 1000)


def test_too_many_entries() -> None:
    """A file with more entries than a bank may have is named so, at the first that is too much."""
    limit = most("REGEX")
    read = read_strings(b"\n".join(b"x%d" % n for n in range(limit + 5)), "csv", "REGEX")
    assert len(read.strings) == limit
    assert [fault.place for fault in read.faults] == [f"line {limit + 1}"]


def test_locations_from_people() -> None:
    """Plain columns, named columns in any order, and GeoJSON are read."""
    plain = read_locations(
        b"Berlin,52.5,13.4,10\n\nParis,48.85,2.35,7.5\nBerlin,52.5,13.4,10", "csv"
    )
    assert [one.name for one in plain.locations] == ["Berlin", "Paris"]
    assert plain.locations[1].geometry == Geometry(center=Point(lat=48.85, lng=2.35), radius=7.5)
    assert (plain.duplicates, plain.blank) == (1, 1)
    assert plain.locations[0].id == read_locations(b"Berlin,52.5,13.4,10", "csv").locations[0].id
    named = read_locations(b"Longitude,Name,Latitude,miles\n13.4,Berlin,52.5,10", "csv")
    assert named.locations == plain.locations[:1]
    box = read_locations(b"name,south,west,north,east\nFiji,-22,176,-12,-177", "csv").locations[0]
    assert box.geometry.center == Point(lat=-17, lng=179.5)
    geojson = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [13.4, 52.5]},
                "properties": {"name": "Berlin", "radius": 10},
            },
            {
                "type": "Feature",
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [[[0, 1], [5, 1], [5, 3], [0, 3], [0, 1]]],
                },
            },
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [5, 1], [2, 3], [0, 0]]]},
            },
        ],
    }
    read = read_locations(msgspec.json.encode(geojson), "json")
    assert read.locations[0] == plain.locations[0]
    assert read.locations[1].bounds == Bounds(
        northeast_corner=Point(lat=3, lng=5), southwest_corner=Point(lat=1, lng=0)
    )
    assert [fault.place for fault in read.faults] == ["/features/2/geometry"]


@pytest.mark.parametrize(
    "raw",
    [
        b"sep=;\nBerlin;52.5;13.4;10",
        b"NAME;LAT;LNG;RADIUS;\nBerlin;52.5;13.4;10;\n",
        b"Name\tLatitude\tLongitude\tMiles\nBerlin\t52.5\t13.4\t10\n",
        b"Berlin,52.5,13.4,10,,\n",
    ],
)
def test_columns_parted_otherwise(raw: bytes) -> None:
    """Semicolons and tabs are recognised by the header or a `sep=`, empty columns at the end are
    left out."""
    wanted = read_locations(b"Berlin,52.5,13.4,10", "csv").locations
    read = read_locations(raw, "csv")
    assert (read.locations, read.faults) == (wanted, ())


@pytest.mark.parametrize(
    "number",
    ["1_0", "\u0661\u0660", "１０", "1,5", "0x10", "nan", "inf", "1e", "1 0", "--1", "²"],
)
def test_numbers_are_plain(number: str) -> None:
    """A number has ASCII's digits and nothing between them."""
    read = read_locations(f'name,lat,lng,radius\nx,"{number}",1,2\n'.encode(), "csv")
    assert [fault.place for fault in read.faults] == ["line 2"]
    assert read.faults[0].reason == f"lat is not a number: {number!r}"
    assert read_locations(b"x,+1.5e1,-.5,2.", "csv").faults == ()


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Polygon", "coordinates": [[[170, -1], [190, -1], [190, 1], [170, 1], [170, -1]]]},
        {"type": "Polygon", "coordinates": [[[-190, -1], [-170, -1], [-170, 1], [-190, 1]]]},
        {"type": "Polygon", "coordinates": [[[170, -1], [-170, -1], [-170, 1], [170, 1]]]},
        {
            "type": "MultiPolygon",
            "coordinates": [
                [[[170, -1], [180, -1], [180, 1], [170, 1], [170, -1]]],
                [[[-180, -1], [-170, -1], [-170, 1], [-180, 1], [-180, -1]]],
            ],
        },
    ],
)
def test_geojson_over_the_antimeridian(geometry: object) -> None:
    """A rectangle over the antimeridian is the short one, however it is written."""
    raw = msgspec.json.encode({"features": [{"geometry": geometry}]})
    read = read_locations(raw, "json")
    assert read.faults == ()
    bounds = read.locations[0].bounds
    assert bounds is not None
    assert (bounds.southwest_corner.lng, bounds.northeast_corner.lng) == (170, -170)
    assert read.locations[0].geometry.center.lng in (180, -180)


def test_wide_geojson() -> None:
    """A rectangle wider than half the world is one where it goes round as the RFC says; a bbox
    decides."""
    ring = [[-170, -1], [170, -1], [170, 1], [-170, 1], [-170, -1]]
    wide: dict[str, object] = {"geometry": {"type": "Polygon", "coordinates": [ring]}}

    def bounds_of(feature: object) -> tuple[float, float]:
        read = read_locations(msgspec.json.encode({"features": [feature]}), "json")
        found = read.locations[0].bounds
        assert found is not None
        return found.southwest_corner.lng, found.northeast_corner.lng

    assert bounds_of(wide) == (-170, 170)
    assert bounds_of({**wide, "bbox": [170, -1, -170, 1]}) == (170, -170)


def test_cells_and_places() -> None:
    """A geohash is the area of its cell; a place has no area until somebody says it."""
    read = read_locations(b"name,geohash,placeId\nHere,u09tv,\nThere,,ChIJ_x-1\n", "csv")
    assert read.faults == ()
    here, there = read.locations
    assert here.bounds is not None
    assert here.bounds.southwest_corner.lat < 48.86 < here.bounds.northeast_corner.lat
    assert (there.bounds, there.geometry.radius) == (None, None)
    coop = {
        "id": "1",
        "name": "Paris",
        "geometry": {"center": {"lat": 48.8, "lng": 2.3}, "radius": None},
        "bounds": {
            "northeastCorner": {"lat": 49, "lng": 3},
            "southwestCorner": {"lat": 48, "lng": 2},
        },
        "googlePlaceInfo": {"id": "ChIJ", "details": {"name": "Paris"}, "geocode": None},
    }
    (paris,) = read_locations(msgspec.json.encode([coop]), "json").locations
    assert paris.bounds is not None
    assert paris.google_place_info == GooglePlace(id="ChIJ")


@pytest.mark.parametrize(
    ("raw", "form", "place"),
    [
        (b"geohash\nu09ia", "csv", "line 2"),
        (b"geohash,lat,lng\nu09,1,2", "csv", "line 2"),
        (b"geohash,placeId\nu09,x", "csv", "line 2"),
        (b"placeId\nno place", "csv", "line 2"),
        (b'[{"geohash": "a"}]', "json", "/0"),
        (b'[{"googlePlaceInfo": {}}]', "json", "/0"),
        (b'[{"geohash": "u0", "googlePlaceInfo": {"id": "x"}}]', "json", "/0/geohash"),
        (b'{"features": [{"geometry": {"type": "Polygon", "coordinates": [[]]}}]}', "json",
         "/features/0/geometry"),
        (b'{"features": [{"geometry": {"type": "MultiPolygon", "coordinates": [[]]}}]}', "json",
         "/features/0/geometry"),
        (b'{"features": [{"geometry": {"type": "Polygon", "coordinates": '
         b'[[[0, 0], [5, 0], [5, 3], [0, 3]], [[1, 1], [2, 1], [2, 2]]]}}]}', "json",
         "/features/0/geometry"),
        (b"[" * 100_000, "json", "the file"),
        (b'[{"geometry":' + b"[" * 9_000 + b"]" * 9_000 + b"}]", "json", "the file"),
        (b'[{"name": "\\ud83d", "geohash": "u0"}]', "json", "the file"),
        (b"Berlin,north,13.4,10", "csv", "line 1"),
        (b"ok,1,1,1\nBerlin,95,13.4,10", "csv", "line 2"),
        (b"Berlin,52,13.4,", "csv", "line 1"),
        (b"Berlin,,13.4,2", "csv", "line 1"),
        (b"Berlin,52,13.4,2,5", "csv", "line 1"),
        (b"Berlin,52,13.4,nan", "csv", "line 1"),
        (b"lat,lng,radius,colour\n1,2,3,red", "csv", "line 1"),
        (b"lat,lat,lng\n1,2,3", "csv", "line 1"),
        (b"south,west,north\n1,2,3", "csv", "line 2"),
        (b'[{"geometry": {"center": {"lat": 1}}}]', "json", "/0"),
        (b'{"locations": [{"geometry": {"center": {"lat": 99, "lng": 1}}}]}', "json",
         "/locations/0/geometry/center/lat"),
        (b'{"features": [{"geometry": {"type": "Point", "coordinates": []}}]}', "json",
         "/features/0"),
        (b'{"features": 3}', "json", "/features"),
    ],
)  # fmt: skip
def test_location_faults(raw: bytes, form: FileFormat, place: str) -> None:
    """Each thing wrong with a location is named with its line or its place."""
    read = read_locations(raw, form)
    assert [fault.place for fault in read.faults] == [place]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), forms)
def test_any_file_is_answered(raw: bytes, form: FileFormat) -> None:
    """No file makes reading fail: it is read or its faults are named."""
    read_strings(raw, form, "REGEX")
    read_locations(raw, form)


def many(count: int) -> list[str]:
    source = random.Random(9)
    return [f"{source.getrandbits(80):x} {n}" for n in range(count)]


def test_fifty_thousand_strings_are_split() -> None:
    """A bank of 50,000 entries is a small document and chunks far below a message's limit, which
    give the entries again in their order."""
    strings = many(50_000)
    bank, chunks = split_text_bank(
        TextBank(id="bank", name="b", type="STRING", strings=()), strings
    )
    by_id = {chunk.id: chunk for chunk in chunks}
    assert strings_of(bank, by_id) == tuple(strings)
    assert bank.strings == ()
    assert len(by_id) == len(chunks) == len(bank.chunk_ids) > 5
    for document in (bank, *chunks):
        assert len(msgspec.json.encode(document)) < 500_000
    assert all(chunk.id.startswith("bank/") and chunk.bank_id == "bank" for chunk in chunks)
    read = read_strings(write_strings(strings, "csv"), "csv", "STRING")
    assert read.strings == tuple(strings)


def test_a_change_leaves_the_other_chunks() -> None:
    """Adding, removing or changing an entry makes at most two new chunks, wherever it is."""
    strings = many(20_000)
    bank = TextBank(id="bank", name="b", type="STRING", strings=())
    before = {chunk.id for chunk in split_text_bank(bank, strings)[1]}
    for at in (0, 9_999, 19_999):
        for changed in (
            [*strings[:at], "added", *strings[at:]],
            [*strings[:at], *strings[at + 1 :]],
            [*strings[:at], "changed", *strings[at + 1 :]],
        ):
            assert len({chunk.id for chunk in split_text_bank(bank, changed)[1]} - before) <= 2


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=10), unique=True, max_size=50), st.integers(1, 20))
def test_splitting_keeps_everything(strings: list[str], times: int) -> None:
    """Whatever the entries are, and large or small, the bank's contents are the same."""
    strings = [(one * 100 * times)[:5000] for one in strings]
    bank = TextBank(id="b", name="n", type="STRING", strings=("old",), chunk_ids=("b/old",))
    made, chunks = split_text_bank(bank, strings)
    by_id = {chunk.id: chunk for chunk in chunks}
    assert strings_of(made, by_id) == tuple(strings)
    assert all(len(msgspec.json.encode(one)) < 500_000 for one in (made, *chunks))


def test_locations_are_split() -> None:
    """A large location bank is split likewise, a small one is one document."""
    wanted = [
        Location(id=f"{n:011x}", geometry=Geometry(center=Point(lat=1, lng=n / 100), radius=5))
        for n in range(10_000)
    ]
    bank, chunks = split_location_bank(LocationBank(id="l", name="l", locations=()), wanted)
    assert bank.locations == ()
    assert locations_of(bank, {chunk.id: chunk for chunk in chunks}) == tuple(wanted)
    small, none = split_location_bank(bank, wanted[:10])
    assert (small.locations, small.chunk_ids, none) == (tuple(wanted[:10]), (), ())


def test_a_missing_chunk_is_named() -> None:
    """A bank whose chunk is not there has no contents, rather than a part of them."""
    bank = TextBank(id="b", name="n", type="STRING", strings=(), chunk_ids=("b/1", "b/2"))
    chunk = BankChunk(id="b/1", bank_id="b", strings=("x",))
    with pytest.raises(KeyError, match="b/2"):
        strings_of(bank, {"b/1": chunk})


def test_differences() -> None:
    """A difference names what came and what went, not what moved."""
    assert strings_difference(["a", "b", "c"], ["c", "d", "a"]) == Difference(
        added=("d",), removed=("b",)
    )
    one = Location(id="1", name="x", geometry=Geometry(center=Point(lat=1, lng=2), radius=3))
    other = msgspec.structs.replace(one, name="y")
    found = locations_difference([one], [other])
    assert (len(found.added), len(found.removed)) == (1, 1)
    assert '"y"' in found.added[0]


def test_string_problems() -> None:
    """An entry that is blank, too long, no text or no regex is refused with the reason."""
    assert string_problem("fine", "STRING") is None
    assert "blank" in str(string_problem(" \n", "STRING"))
    assert "characters" in str(string_problem("x" * 1001, "STRING"))
    assert string_problem("x" * 1001, "REGEX") is None
    assert "surrogate" in str(string_problem("\ud800", "STRING"))
    assert "surrogate" in str(string_problem("\ud800", "REGEX"))
    assert "at character 2" in str(string_problem("[z-a]", "REGEX"))
    assert most("STRING") == MAX_STRINGS
