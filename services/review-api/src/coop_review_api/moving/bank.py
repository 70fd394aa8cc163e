"""Coop's banks of texts, places and media.

Guarantees: an entry that cannot be matched here is told, with its place and text; the bank keeps
the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from coop_contracts.config import HashBank, Kind, Location, LocationBank, TextBank
from coop_contracts.error import pointer
from coop_review_api.moving.mapped import Mapped, Noter
from coop_review_api.moving.source import CoopSource, Row
from coop_rules.matching.bank import area_problem, string_problem
from coop_rules.matching.location import location_of

_TOLD: Final = 50  # entries of a bank, one by one


def banks(source: CoopSource) -> Iterator[Mapped]:
    """All of them."""
    yield from _text_banks(source)
    yield from _location_banks(source)
    for row in source.of("public.hash_banks"):
        yield Mapped(
            kind=Kind.HASH_BANK,
            document=HashBank(
                id=str(row["id"]),  # a number in Coop; conditions name it as text
                name=row["name"],
                hma_name=row["hma_name"],
                description=row["description"] or "",
                enabled_ratio=1.0 if row["enabled_ratio"] is None else row["enabled_ratio"],
            ),
        )


def _text_banks(source: CoopSource) -> Iterator[Mapped]:
    names: set[str] = set()
    for row in source.of("public.text_banks"):
        note = Noter(Kind.TEXT_BANK, row["id"], row["name"])
        name = row["name"]
        if name in names:
            name = f"{name} ({row['id']})"
            note.differs(f"another bank has this name: called {name}", "/name")
        names.add(name)
        yield Mapped(
            kind=Kind.TEXT_BANK,
            document=TextBank(
                id=row["id"],
                name=name,
                description=row["description"] or "",
                type=row["type"],
                strings=_strings(row, note),
            ),
            findings=tuple(note.findings),
        )


def _strings(row: Row, note: Noter) -> tuple[str, ...]:
    kept: dict[str, None] = {}
    left, repeated, blank = 0, 0, 0
    for index, string in enumerate(row["strings"] or ()):
        if string is None or not string.strip():
            blank += 1
        elif string in kept:
            repeated += 1
        elif (problem := string_problem(string, row["type"])) is not None:
            left += 1
            if left <= _TOLD:
                at = pointer("strings", index)
                note.cannot(f"this entry is left out: it {problem}", at, string)
        else:
            kept[string] = None
    if left > _TOLD:
        note.cannot(f"{left - _TOLD} more entries are left out for such reasons", "/strings")
    if blank or repeated:
        note.differs(f"{blank} blank and {repeated} repeated entries are left out", "/strings")
    return tuple(kept)


def _location_banks(source: CoopSource) -> Iterator[Mapped]:
    places: dict[str, list[Row]] = {}
    for row in source.of("public.location_bank_locations"):
        places.setdefault(row["bank_id"], []).append(row)
    for row in source.of("public.location_banks"):
        note = Noter(Kind.LOCATION_BANK, row["id"], row["name"])
        found = [_location(place, note, at) for at, place in enumerate(places.get(row["id"], ()))]
        yield Mapped(
            kind=Kind.LOCATION_BANK,
            document=LocationBank(
                id=row["id"],
                name=row["name"],
                description=row["description"] or "",
                locations=tuple(one for one in found if one is not None),
            ),
            findings=tuple(note.findings),
        )


def _location(row: Row, note: Noter, index: int) -> Location | None:
    at = pointer("locations", index)
    geometry, bounds = row["geometry"], row["bounds"]
    given: dict[str, Any] = {"id": row["id"], "name": row["name"] or "", "geometry": geometry}
    if bounds is not None:
        given["bounds"] = bounds
        # Where the bounds say it all, Coop keeps a radius of 0.
        if isinstance(geometry, Mapping) and not geometry.get("radius"):
            given["geometry"] = {"center": geometry.get("center")}
    try:
        location = location_of(given)
        problem = area_problem(location)
    except (ValueError, msgspec.ValidationError) as error:
        note.cannot(f"the location is left out: {error}", at, given)
        return None
    if problem is not None:
        note.cannot(f"the location is left out: {problem[1]}", at + problem[0], given)
        return None
    return location
