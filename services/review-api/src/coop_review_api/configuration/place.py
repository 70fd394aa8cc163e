"""The places of Google Maps that location banks name, and what is known of them.

    bank saved ──known──▶ area of the place, where it is known; else it is due
                           ▲
    keeper (`signal.place_keeper`) ──keep, fail──▶ the same banks again

Guarantees: a place is asked for once for an organisation, however many banks name it; an area that
is not known is not made up, and why it is not known stands in the bank; what the provider said is
kept for as long as it allows, and then forgotten.
Must not: ask anybody where a place is, or remember an organisation's place for another.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import structs
from sqlalchemy import ColumnElement, Row, delete, exists, func, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Geometry, GooglePlace, Kind, Location, LocationBank
from coop_review_api.configuration.table import config_current, places
from coop_signals.places import MAX_AGE, PlaceArea

REFRESH: Final = timedelta(days=25)  # some days before an area may not be kept any longer
CLAIM: Final = timedelta(minutes=1)  # after which another process asks again

_CHUNK = 5_000  # places in one statement


async def known(
    connection: AsyncConnection, org_id: str, bank: LocationBank, now: datetime
) -> LocationBank:
    """The bank with what is known of its places; those that are new are due now."""
    ids = sorted({one.google_place_info.id for one in bank.locations if one.google_place_info})
    if not ids:
        return bank
    found: dict[str, Row[Any]] = {}
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        rows = [{"org_id": org_id, "place_id": place_id, "due_at": now} for place_id in part]
        await connection.execute(upsert(places).values(rows).on_conflict_do_nothing())
        mine = (places.c.org_id == org_id) & places.c.place_id.in_(part)
        for row in await connection.execute(select(places).where(mine)):
            found[row.place_id] = row
    located = tuple(
        one if one.google_place_info is None else _located(one, found[one.google_place_info.id])
        for one in bank.locations
    )
    return structs.replace(bank, locations=located)


def _located(location: Location, row: Row[Any]) -> Location:
    place = GooglePlace(id=row.place_id, resolved_at=row.resolved_at, problem=row.problem)
    if row.area is None:
        # What came with it, from Coop say, is the organisation's own; what had been asked for
        # before and may not be kept is gone.
        before = location.google_place_info
        if before is not None and before.resolved_at is not None:
            nowhere = Geometry(center=structs.replace(location.geometry.center, lat=0, lng=0))
            location = structs.replace(location, geometry=nowhere, bounds=None)
        return structs.replace(location, google_place_info=place)
    area = msgspec.convert(row.area, PlaceArea)
    return structs.replace(
        location,
        name=location.name or area.name[:255],
        geometry=Geometry(center=area.center),
        bounds=area.bounds,
        google_place_info=place,
    )


async def take(connection: AsyncConnection, now: datetime, limit: int) -> list[tuple[str, str]]:
    """Places that are due, by organisation; nobody else takes them for a while."""
    due = (
        select(places.c.org_id, places.c.place_id)
        .where(places.c.due_at <= now)
        .order_by(places.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = [(row.org_id, row.place_id) for row in await connection.execute(due)]
    for org_id, place_id in taken:
        await connection.execute(_of(org_id, place_id).values(due_at=now + CLAIM))
    return taken


async def keep(
    connection: AsyncConnection, org_id: str, place_id: str, area: PlaceArea, now: datetime
) -> None:
    """What the provider said."""
    await connection.execute(
        _of(org_id, place_id).values(
            name=area.name,
            area=msgspec.to_builtins(area),
            resolved_at=now,
            problem="",
            attempts=0,
            due_at=now + REFRESH,
        )
    )


async def fail(
    connection: AsyncConnection,
    org_id: str,
    place_id: str,
    problem: str,
    *,
    now: datetime,
    again: datetime,
) -> None:
    """Why the provider said nothing, and when to ask again. An area that may not be kept any longer
    is forgotten."""
    await connection.execute(
        _of(org_id, place_id).values(problem=problem, attempts=places.c.attempts + 1, due_at=again)
    )
    await connection.execute(
        _of(org_id, place_id)
        .where(places.c.resolved_at < now - MAX_AGE)
        .values(area=None, resolved_at=None)
    )


async def attempts(connection: AsyncConnection, org_id: str, place_id: str) -> int:
    """How often in a row it could not be had."""
    mine = (places.c.org_id == org_id) & (places.c.place_id == place_id)
    return await connection.scalar(select(places.c.attempts).where(mine)) or 0


async def forget(connection: AsyncConnection, org_id: str, place_ids: Collection[str]) -> None:
    """Places that no bank names any more."""
    mine = (places.c.org_id == org_id) & places.c.place_id.in_(list(place_ids))
    await connection.execute(delete(places).where(mine))


async def banks(connection: AsyncConnection, org_id: str) -> Sequence[str]:
    """The ids of the location banks that name places."""
    named: ColumnElement[Any] = literal_column("'$.locations[*].googlePlaceInfo'")
    chunk = config_current.alias()
    in_chunk = exists().where(
        chunk.c.org_id == org_id,
        chunk.c.kind == Kind.BANK_CHUNK,
        chunk.c.document["bankId"].astext == config_current.c.id,
        func.jsonb_path_exists(chunk.c.document, named),
    )
    rows = await connection.scalars(
        select(config_current.c.id)
        .where(
            config_current.c.org_id == org_id,
            config_current.c.kind == Kind.LOCATION_BANK,
            config_current.c.document.is_not(None),
            or_(func.jsonb_path_exists(config_current.c.document, named), in_chunk),
        )
        .order_by(config_current.c.id)
    )
    return list(rows)


def _of(org_id: str, place_id: str) -> Any:
    return update(places).where(places.c.org_id == org_id, places.c.place_id == place_id)
