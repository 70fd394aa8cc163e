"""Banks as CSV and JSON files.

Guarantees: what `write_…` wrote, `read_…` reads back exactly; every fault names its line or its
place; nothing is taken from a file that has faults without saying which entries those are.
Must not: do I/O, or save anything: the caller decides what to do with a file that has faults.

Strings, CSV: one a row, quoted where it holds a comma, a semicolon, a tab, a quote or a line break;
a first row `string` is the header (see `bank_csv`).
Strings, JSON: `["…", …]` or an object with `strings`.
Locations, CSV: name, lat, lng, radius (miles), or any of the columns id, name, lat, lng, radius,
south, west, north, east, geohash, placeId in any order under a header.
Locations, JSON: Coop's locations (`{"id"?, "name"?, "geometry"?: {"center": {"lat", "lng"},
"radius"?}, "bounds"?, "geohash"?, "googlePlaceInfo"?: {"id"}}`) as an array or in an object with
`locations`; or a GeoJSON FeatureCollection (see `bank_geojson`).
Encoding: UTF-8, or UTF-16 with its byte order mark.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from coop_contracts.config import Geometry, GooglePlace, Location, Point
from coop_contracts.error import pointer
from coop_review_api.configuration import bank_csv
from coop_review_api.configuration.bank_csv import NotCsv, Row, Table, table_of
from coop_review_api.configuration.bank_geojson import (
    NotALocation,
    bounds_of,
    center_of,
    feature,
)
from coop_rules.matching.bank import (
    MAX_LOCATIONS,
    TextKind,
    area_problem,
    most,
    string_problem,
    text_problem,
)
from coop_rules.matching.location import NOWHERE, location_of, with_cell

FileFormat = Literal["csv", "json"]

MAX_BYTES = 32 << 20
MAX_FAULTS = 100  # reported; `faulty` counts them all

_HEADER = "string"
_BOUNDS = ("south", "west", "north", "east")
_COLUMNS = ("id", "name", "lat", "lng", "radius", *_BOUNDS, "geohash", "placeId")
_READ_COLUMNS = frozenset(column.lower() for column in _COLUMNS)
_WITHOUT_HEADER = ("name", "lat", "lng", "radius")
_TELLING = frozenset({"lat", "south", "geohash", "placeid"})  # a header has one of these
_ALIASES = {"latitude": "lat", "longitude": "lng", "lon": "lng", "long": "lng", "miles": "radius"}
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


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
            elif (problem := text_problem(string) or string_problem(string, kind)) is not None:
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
            content = structs.replace(location, id="")
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
    return bank_csv.written([_HEADER], ([string] for string in strings))


def write_locations(locations: Iterable[Location], form: FileFormat) -> bytes:
    """The file of a location bank's entries."""
    if form == "json":
        return msgspec.json.format(msgspec.json.encode({"locations": list(locations)}), indent=1)
    return bank_csv.written(_COLUMNS, map(_row, locations))


def _row(one: Location) -> list[object]:
    """What an entry is, without what follows from a geohash, or what a provider says of a place."""
    place = one.google_place_info
    if one.geohash is not None or place is not None:
        area: list[object] = [None] * 7
    else:
        center, bounds = one.geometry.center, one.bounds
        area = [center.lat, center.lng, one.geometry.radius, None, None, None, None]
        if bounds is not None:
            southwest, northeast = bounds.southwest_corner, bounds.northeast_corner
            area[3:] = [southwest.lat, southwest.lng, northeast.lat, northeast.lng]
    return [one.id, one.name, *area, one.geohash, None if place is None else place.id]


def _text(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise _FileError("the file", f"is larger than {MAX_BYTES >> 20} MiB")
    wide = raw.startswith(_UTF_16)
    if raw.startswith(_UTF_32) or (not wide and 5 * raw.count(0) > 2 * len(raw)):
        # Without its mark UTF-16 reads as UTF-8 with a U+0000 beside each letter.
        reason = "is not in UTF-8 or UTF-16 (which begins with a byte order mark)"
        raise _FileError("line 1", reason)
    try:
        return raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        reason = f"is not in UTF-8 or UTF-16 (byte {error.start + 1} of the file)"
        raise _FileError(f"line {line}", reason) from error


def _table(raw: bytes, is_header: Callable[[Sequence[str]], bool]) -> Table:
    text = _text(raw)
    try:
        return table_of(text, is_header)
    except NotCsv as error:
        raise _FileError(f"line {error.line}", error.reason) from error


def _rows(table: Table) -> Iterator[tuple[str, Row]]:
    """The rows below the header, each with its place."""
    try:
        for row in table.rows:
            yield f"line {row.line}", row
    except NotCsv as error:
        raise _FileError(f"line {error.line}", error.reason) from error


def _strings_in(raw: bytes, form: FileFormat, tally: _Tally) -> Iterator[tuple[str, str]]:
    if form == "csv":
        yield from _csv_strings(raw, tally)
        return
    for place, value in _array(_json(raw), "strings"):
        if isinstance(value, str):
            yield place, value
        else:
            tally.fault(place, "is not a string")


def _csv_strings(raw: bytes, tally: _Tally) -> Iterator[tuple[str, str]]:
    table = _table(raw, lambda names: _HEADER in names)
    if table.header is not None:
        others = [name for name in bank_csv.names_of(table.header.cells) if name != _HEADER]
        if others or len(bank_csv.names_of(table.header.cells)) > 1:
            place = f"line {table.header.line}"
            reason = f"a bank of strings has one column, {_HEADER}"
            raise _FileError(place, f"{reason}; {', '.join(map(repr, others)) or 'it is twice'}")
    for place, row in _rows(table):
        sign = bank_csv.undivided(row, table)
        if any(cell.strip() for cell in row.cells[1:]):
            tally.fault(place, f"has {len(row.cells)} columns; a string with commas is quoted")
        elif sign is not None:
            reason = f"holds a {sign}: quote the string, or begin the file with a line sep=,"
            tally.fault(place, f"{reason} (or what parts its columns)")
        else:
            yield place, row.cells[0] if row.cells else ""


def _json(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(_text(raw))
    except msgspec.DecodeError as error:
        raise _FileError("the file", f"is no JSON: {error}") from error
    except RecursionError:
        raise _FileError("the file", "is nested too deeply") from None


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
    table = _table(raw, lambda names: not _TELLING.isdisjoint(_columns(names)))
    columns: Sequence[str] = _WITHOUT_HEADER
    if table.header is not None:
        columns = _columns(bank_csv.names_of(table.header.cells))
        unknown = sorted(set(columns) - _READ_COLUMNS)
        if unknown or len(set(columns)) < len(columns):
            reason = f"columns are {', '.join(_COLUMNS)}, each once"
            place = f"line {table.header.line}"
            raise _FileError(place, f"{reason}; {', '.join(unknown) or 'one is twice'}")
    for place, row in _rows(table):
        if not any(cell.strip() for cell in row.cells):
            tally.blank += 1
            continue
        cells = dict(zip(columns, row.cells, strict=False))
        extra = any(cell.strip() for cell in row.cells[len(columns) :])
        yield place, partial(_csv_location, cells, extra=extra)


def _columns(names: Sequence[str]) -> list[str]:
    return [_ALIASES.get(name, name) for name in names]


def _csv_location(cells: Mapping[str, str], *, extra: bool) -> Location:
    if extra:
        raise _FileError("", "has more columns than the header")
    numbers = {
        column: _number(column, cells.get(column, "").strip())
        for column in (*_WITHOUT_HEADER[1:], *_BOUNDS)
    }
    id, name = cells.get("id", "").strip(), cells.get("name", "")  # noqa: A001
    geohash, place_id = cells.get("geohash", "").strip(), cells.get("placeid", "").strip()
    given = [value for value in numbers.values() if value is not None]
    if (geohash and place_id) or ((geohash or place_id) and given):
        raise _FileError("", "is one of lat and lng, bounds, a geohash and a placeId")
    if geohash:
        return _location(Location(id=id, name=name, geometry=NOWHERE, geohash=geohash))
    if place_id:
        place = GooglePlace(id=place_id)
        return _location(Location(id=id, name=name, geometry=NOWHERE, google_place_info=place))
    corners = [value for column in _BOUNDS if (value := numbers[column]) is not None]
    bounds = None
    if len(corners) == 4:
        bounds = bounds_of(*corners)
    elif corners:
        raise _FileError("", "bounds need south, west, north and east")
    lat, lng = numbers["lat"], numbers["lng"]
    if bounds is not None and lat is None and lng is None:
        center = center_of(bounds)
    elif lat is None or lng is None:
        raise _FileError("", "needs lat and lng")
    else:
        center = Point(lat=lat, lng=lng)
    geometry = Geometry(center=center, radius=numbers["radius"])
    return _location(Location(id=id, name=name, geometry=geometry, bounds=bounds))


def _number(column: str, cell: str) -> float | None:
    """Digits are ASCII's, and nothing stands between them."""
    if not cell:
        return None
    if _NUMBER.fullmatch(cell) is None:
        raise _FileError("", f"{column} is not a number: {cell[:50]!r}")
    return float(cell)


def _place_in(place: str, form: FileFormat) -> str:
    return place if form == "json" else ""


def _location(made: Location) -> Location:
    """The location with its area, and with an id made of its content where it has none."""
    try:
        found = with_cell(made)
    except ValueError as error:
        raise _FileError("", f"geohash: {error}") from error
    if found.id:
        return found
    place = found.google_place_info
    content: tuple[object, ...] = (found.name, found.geometry, found.bounds)
    if found.geohash is not None or place is not None:
        content = (found.name, found.geohash, None if place is None else place.id)
    digest = hashlib.blake2b(msgspec.json.encode(content), digest_size=8).hexdigest()
    return structs.replace(found, id=digest)


def _json_locations(raw: bytes) -> Iterator[tuple[str, Callable[[], Location]]]:
    document = _json(raw)
    features = isinstance(document, dict) and "features" in document
    make = _feature if features else _coop_location
    for place, value in _array(document, "features" if features else "locations"):
        yield place, partial(make, value)


def _coop_location(value: object) -> Location:
    if not isinstance(value, dict):
        raise _FileError("", "is not a location")
    try:
        # Without an id it gets one of its content, below; "-" is never seen.
        found = location_of(value, id="-")
    except ValueError as error:
        raise _FileError("", str(error)) from error
    return _location(found if value.get("id") else structs.replace(found, id=""))


def _feature(value: object) -> Location:
    try:
        return _location(feature(value))
    except NotALocation as error:
        raise _FileError(error.place, str(error)) from error
