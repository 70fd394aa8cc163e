"""Banks as CSV and JSON files.

Guarantees: what `write_…` wrote, `read_…` reads back exactly; every fault names its line or its
place; nothing is taken from a file that has faults without saying which entries those are.
Must not: do I/O, or save anything: the caller decides what to do with a file that has faults.

Strings, CSV: one a row, quoted where it holds a comma, a quote or a line break; a first row
`string` is the header.
Strings, JSON: `["…", …]` or an object with `strings`.
Locations, CSV: name, lat, lng, radius (miles), or any of the columns id, name, lat, lng, radius,
south, west, north, east in any order under a header.
Locations, JSON: Coop's locations (`{"id"?, "name"?, "geometry": {"center": {"lat", "lng"},
"radius"?}, "bounds"?}`) as an array or in an object with `locations`; or a GeoJSON
FeatureCollection of points with the property `radius` and of rectangles.
Encoding: UTF-8, or UTF-16 with its byte order mark.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import msgspec
from msgspec import Struct

from coop_contracts.config import Bounds, Geometry, Location, Point
from coop_contracts.error import pointer
from coop_rules.matching.bank import MAX_LOCATIONS, TextKind, area_problem, most, string_problem

FileFormat = Literal["csv", "json"]

MAX_BYTES = 32 << 20
MAX_FAULTS = 100  # reported; `faulty` counts them all

_HEADER = "string"
_COLUMNS = ("id", "name", "lat", "lng", "radius", "south", "west", "north", "east")
_WITHOUT_HEADER = ("name", "lat", "lng", "radius")
_ALIASES = {"latitude": "lat", "longitude": "lng", "lon": "lng", "long": "lng", "miles": "radius"}
_BOUNDS = ("south", "west", "north", "east")


class FileFault(Struct, frozen=True, rename="camel"):
    """One thing wrong: `place` is `line 12` (of a CSV file) or a JSON pointer."""

    place: str
    reason: str


class _Read(Struct, frozen=True, kw_only=True, rename="camel"):
    """What came of a file. `duplicates` and `blank` entries were left out, as were `faulty` ones,
    of which `faults` are the first."""

    duplicates: int = 0
    blank: int = 0
    faulty: int = 0
    faults: tuple[FileFault, ...] = ()


class ReadStrings(_Read, frozen=True, kw_only=True, rename="camel"):
    strings: tuple[str, ...] = ()


class ReadLocations(_Read, frozen=True, kw_only=True, rename="camel"):
    locations: tuple[Location, ...] = ()


class _FileError(ValueError):
    """The file, or one entry, cannot be read."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.fault = FileFault(place, reason)


class _Tally:
    """Counts what is left out while a file is read."""

    def __init__(self) -> None:
        self.duplicates = self.blank = self.faulty = 0
        self.faults: list[FileFault] = []

    def fault(self, place: str, reason: str) -> None:
        self.faulty += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(FileFault(place, reason))

    def counts(self) -> dict[str, Any]:
        return {
            "duplicates": self.duplicates,
            "blank": self.blank,
            "faulty": self.faulty,
            "faults": tuple(self.faults),
        }


def read_strings(raw: bytes, form: FileFormat, kind: TextKind) -> ReadStrings:
    """The entries of a text bank in a file, in its order."""
    tally = _Tally()
    found: dict[str, None] = {}
    limit = most(kind)
    try:
        for place, string in _strings_in(raw, form, tally):
            if not string.strip():
                tally.blank += 1
            elif string in found:
                tally.duplicates += 1
            elif (problem := string_problem(string, kind)) is not None:
                tally.fault(place, problem)
            elif len(found) == limit:
                tally.fault(place, f"a bank of this type has at most {limit} entries")
                break
            else:
                found[string] = None
    except _FileError as error:
        tally.fault(error.fault.place, error.fault.reason)
    return ReadStrings(strings=tuple(found), **tally.counts())


def read_locations(raw: bytes, form: FileFormat) -> ReadLocations:
    """The entries of a location bank in a file, in its order. One without an id gets one made of
    its content, so that the same file gives the same locations again."""
    tally = _Tally()
    found: dict[object, Location] = {}
    ids: set[str] = set()
    entries = _csv_locations(raw, tally) if form == "csv" else _json_locations(raw)
    try:
        for place, make in entries:
            try:
                location = make()
            except _FileError as error:
                tally.fault(place + error.fault.place, error.fault.reason)
                continue
            content = (location.name, location.geometry, location.bounds)
            problem = area_problem(location)
            if content in found:
                tally.duplicates += 1
            elif problem is not None:
                tally.fault(place + _place_in(problem[0], form), problem[1])
            elif location.id in ids:
                tally.fault(place, f"there is another location with the id {location.id}")
            elif len(found) == MAX_LOCATIONS:
                tally.fault(place, f"a bank has at most {MAX_LOCATIONS} locations")
                break
            else:
                found[content] = location
                ids.add(location.id)
    except _FileError as error:
        tally.fault(error.fault.place, error.fault.reason)
    return ReadLocations(locations=tuple(found.values()), **tally.counts())


def write_strings(strings: Iterable[str], form: FileFormat) -> bytes:
    """The file of a text bank's entries."""
    if form == "json":
        return msgspec.json.format(msgspec.json.encode({"strings": list(strings)}), indent=1)
    return _csv([_HEADER], ([string] for string in strings))


def write_locations(locations: Iterable[Location], form: FileFormat) -> bytes:
    """The file of a location bank's entries."""
    if form == "json":
        return msgspec.json.format(msgspec.json.encode({"locations": list(locations)}), indent=1)
    return _csv(_COLUMNS, map(_row, locations))


def _row(one: Location) -> list[object]:
    center, bounds = one.geometry.center, one.bounds
    corners: list[object] = [None] * 4
    if bounds is not None:
        southwest, northeast = bounds.southwest_corner, bounds.northeast_corner
        corners = [southwest.lat, southwest.lng, northeast.lat, northeast.lng]
    return [one.id, one.name, center.lat, center.lng, one.geometry.radius, *corners]


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    # Everything that is text is quoted: spaces and line breaks of any kind stay what they are.
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _text(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise _FileError("the file", f"is larger than {MAX_BYTES >> 20} MiB")
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        reason = f"is not in UTF-8 or UTF-16 (byte {error.start + 1} of the file)"
        raise _FileError(f"line {line}", reason) from error


def _rows(raw: bytes) -> Iterator[tuple[str, list[str]]]:
    """The rows of a CSV file, each with the line it begins in."""
    reader = csv.reader(io.StringIO(_text(raw), newline=""), strict=True)
    while True:
        place = f"line {reader.line_num + 1}"
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise _FileError(place, f"is no CSV: {error}") from error
        if row is None:
            return
        yield place, row


def _strings_in(raw: bytes, form: FileFormat, tally: _Tally) -> Iterator[tuple[str, str]]:
    if form == "csv":
        first = True
        for place, row in _rows(raw):
            if first and row == [_HEADER]:
                first = False
                continue
            first = False
            if len(row) > 1 and any(cell.strip() for cell in row[1:]):
                tally.fault(place, f"has {len(row)} columns; a string with commas is quoted")
            else:
                yield place, row[0] if row else ""
        return
    for place, value in _array(_json(raw), "strings"):
        if isinstance(value, str):
            yield place, value
        else:
            tally.fault(place, "is not a string")


def _json(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(_text(raw))
    except msgspec.DecodeError as error:
        raise _FileError("the file", f"is no JSON: {error}") from error


def _array(document: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The elements of an array, or of the array of that name in an object, by their places."""
    at: tuple[str, ...] = ()
    if isinstance(document, dict):
        at, document = (name,), document.get(name)
    if not isinstance(document, list):
        raise _FileError(pointer(*at) or "/", f"is not an array of {name}")
    for index, value in enumerate(document):
        yield pointer(*at, index), value


def _csv_locations(raw: bytes, tally: _Tally) -> Iterator[tuple[str, Callable[[], Location]]]:
    columns: Sequence[str] = ()
    for place, row in _rows(raw):
        if not any(cell.strip() for cell in row):
            tally.blank += 1
            continue
        if not columns:
            named = [_ALIASES.get(c, c) for c in (cell.strip().lower() for cell in row)]
            columns = _WITHOUT_HEADER
            if "lat" in named or "south" in named:
                unknown = sorted(set(named) - set(_COLUMNS))
                if unknown or len(set(named)) < len(named):
                    reason = f"columns are {', '.join(_COLUMNS)}, each once"
                    raise _FileError(place, f"{reason}; {', '.join(unknown) or 'one is twice'}")
                columns = named
                continue
        cells = dict(zip(columns, row, strict=False))
        extra = len(row) > len(columns)
        yield place, partial(_csv_location, cells, extra=extra)


def _csv_location(cells: Mapping[str, str], *, extra: bool) -> Location:
    if extra:
        raise _FileError("", "has more columns than the header")
    numbers: dict[str, float | None] = {}
    for column in (*_WITHOUT_HEADER[1:], *_BOUNDS):
        cell = cells.get(column, "").strip()
        try:
            numbers[column] = float(cell) if cell else None
        except ValueError:
            raise _FileError("", f"{column} is not a number: {cell[:50]!r}") from None
    corners = [value for column in _BOUNDS if (value := numbers[column]) is not None]
    bounds = None
    if len(corners) == 4:
        bounds = _bounds(*corners)
    elif corners:
        raise _FileError("", "bounds need south, west, north and east")
    lat, lng = numbers["lat"], numbers["lng"]
    if bounds is not None and lat is None and lng is None:
        center = _center(bounds)
    elif lat is None or lng is None:
        raise _FileError("", "needs lat and lng")
    else:
        center = Point(lat=lat, lng=lng)
    geometry = Geometry(center=center, radius=numbers["radius"])
    return _location(cells.get("id", "").strip(), cells.get("name", ""), geometry, bounds)


def _place_in(place: str, form: FileFormat) -> str:
    return place if form == "json" else ""


def _location(id: str, name: str, geometry: Geometry, bounds: Bounds | None) -> Location:  # noqa: A002
    if not id:
        content = msgspec.json.encode((name, geometry, bounds))
        id = hashlib.blake2b(content, digest_size=8).hexdigest()  # noqa: A001
    return Location(id=id, name=name, geometry=geometry, bounds=bounds)


def _bounds(south: float, west: float, north: float, east: float) -> Bounds:
    return Bounds(
        northeast_corner=Point(lat=north, lng=east), southwest_corner=Point(lat=south, lng=west)
    )


def _center(bounds: Bounds) -> Point:
    southwest, northeast = bounds.southwest_corner, bounds.northeast_corner
    east = northeast.lng + (360 if northeast.lng < southwest.lng else 0)
    lng = (southwest.lng + east) / 2
    return Point(lat=(southwest.lat + northeast.lat) / 2, lng=lng - 360 if lng > 180 else lng)


def _json_locations(raw: bytes) -> Iterator[tuple[str, Callable[[], Location]]]:
    document = _json(raw)
    features = isinstance(document, dict) and "features" in document
    make = _feature if features else _coop_location
    for place, value in _array(document, "features" if features else "locations"):
        yield place, partial(make, value)


class _LooseLocation(Struct, frozen=True, kw_only=True, rename="camel"):
    geometry: Geometry
    id: str = ""
    name: str | None = ""
    bounds: Bounds | None = None


def _coop_location(value: object) -> Location:
    try:
        found = msgspec.convert(value, _LooseLocation)
    except msgspec.ValidationError as error:
        raise _FileError("", str(error)) from error
    return _location(found.id, found.name or "", found.geometry, found.bounds)


class _Shape(Struct, frozen=True):
    type: str
    coordinates: Any


class _Feature(Struct, frozen=True, kw_only=True):
    geometry: _Shape
    properties: dict[str, Any] | None = None
    id: str | int | None = None


def _feature(value: object) -> Location:
    """A GeoJSON feature (RFC 7946): longitude comes first."""
    try:
        found = msgspec.convert(value, _Feature)
        known = found.properties or {}
        name = msgspec.convert(known.get("name") or "", str)
        id = str(found.id if found.id is not None else known.get("id") or "")  # noqa: A001
        if found.geometry.type == "Point":
            lng, lat = msgspec.convert(found.geometry.coordinates, list[float])[:2]
            radius = msgspec.convert(known.get("radius"), float | None)
            return _location(
                id, name, Geometry(center=Point(lat=lat, lng=lng), radius=radius), None
            )
        ring = msgspec.convert(found.geometry.coordinates, list[list[list[float]]])[0]
        corners = {(point[0], point[1]) for point in ring}
    except (msgspec.ValidationError, IndexError, ValueError) as error:
        raise _FileError("", str(error)) from error
    lngs, lats = sorted({one[0] for one in corners}), sorted({one[1] for one in corners})
    if found.geometry.type != "Polygon" or (len(corners), len(lngs), len(lats)) != (4, 2, 2):
        raise _FileError("/geometry", "an area is a point with a radius, or a rectangle")
    bounds = _bounds(lats[0], lngs[0], lats[1], lngs[1])
    return _location(id, name, Geometry(center=_center(bounds)), bounds)
