"""Media that were seen lately, in PostgreSQL: a partition a day.

Guarantees: what is there is not written again; every statement names an organisation, or rows that
do; of an item that was erased nothing comes back that was submitted before. Copies are looked for
among all media of the time, one by one: none is missed, and nothing has to be kept in memory, or as
an index, for what people ask now and then.
Must not: decide for how many days it is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from sqlalchemy import table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_contracts.hash_bank import Md5, SeenCopy, SoughtCopies
from coop_hma_bridge.schema import SCHEMA
from coop_hma_bridge.seen import SeenMedium
from coop_runtime.database.partition import DAY, Partitioned

KEPT_ERASED: Final = timedelta(days=35)
"""Five days longer than the longest topic."""
SEEN: Final = Partitioned(table("seen_media", schema=SCHEMA), DAY)

_ADD = text(
    """
    INSERT INTO hashes.seen_media (org_id, time, submission_id, place, md5, pdq, pdq_upright,
                                   quality, kind, item_id, type_id, field)
    SELECT g.org_id, g.time, g.submission_id, g.place, decode(g.md5, 'hex'),
           CAST('x' || g.pdq AS bit(256)), CAST('x' || g.upright AS bit(256)),
           g.quality, g.kind, g.item_id, g.type_id, g.field
    FROM unnest(CAST(:orgs AS text[]), CAST(:keys AS bytea[]), CAST(:times AS timestamptz[]),
                CAST(:submissions AS text[]), CAST(:places AS smallint[]), CAST(:md5s AS text[]),
                CAST(:pdqs AS text[]), CAST(:uprights AS text[]), CAST(:qualities AS smallint[]),
                CAST(:kinds AS text[]), CAST(:items AS text[]), CAST(:types AS text[]),
                CAST(:fields AS text[]))
         AS g (org_id, key, time, submission_id, place, md5, pdq, upright, quality, kind, item_id,
               type_id, field)
    WHERE NOT EXISTS (SELECT FROM hashes.erased_items AS e
                      WHERE e.org_id = g.org_id AND e.item_key = g.key AND e.until >= g.time)
    ON CONFLICT DO NOTHING
    """
)
_ERASE = text(
    """
    INSERT INTO hashes.erased_items AS e (org_id, item_key, until)
    SELECT DISTINCT CAST(:org AS text), key, CAST(:until AS timestamptz)
    FROM unnest(CAST(:keys AS bytea[])) AS g (key) ORDER BY key
    ON CONFLICT (org_id, item_key) DO UPDATE SET until = greatest(e.until, excluded.until)
    """
)
_ERASED = text(
    """
    SELECT g.place FROM unnest(CAST(:orgs AS text[]), CAST(:keys AS bytea[]),
                               CAST(:times AS timestamptz[])) WITH ORDINALITY
         AS g (org_id, key, time, place)
    JOIN hashes.erased_items AS e ON e.org_id = g.org_id AND e.item_key = g.key
    WHERE e.until >= g.time
    """
)
_FORGET_ERASED = text("DELETE FROM hashes.erased_items WHERE until < :before")
_FORGET = text(
    """
    DELETE FROM hashes.seen_media AS s
    USING unnest(CAST(:items AS text[]), CAST(:types AS text[])) AS g (item_id, type_id)
    WHERE s.org_id = :org AND s.item_id = g.item_id AND s.type_id = g.type_id AND s.time <= :until
    """
)

_LIKE = """
    SELECT s.time, s.submission_id, s.place, s.md5, s.item_id, s.type_id, s.field, s.kind,
           s.md5 = w.md5 AS identical,
           CASE WHEN s.md5 = w.md5 THEN 0
                ELSE least(bit_count(s.pdq # w.pdq), bit_count(s.pdq_upright # w.pdq)) END AS far
    FROM hashes.seen_media AS s,
         (SELECT decode(CAST(:md5 AS text), 'hex') AS md5,
                 CAST('x' || CAST(:pdq AS text) AS bit(256)) AS pdq) AS w
    WHERE s.org_id = :org AND s.time >= :since AND s.time < :until
"""
_COUNT = text(
    f"""
    SELECT count(*) AS media, count(DISTINCT (item_id, type_id)) AS items
    FROM ({_LIKE}) AS seen WHERE far <= :within
    """  # noqa: S608 - a constant
)
_FIND = text(
    f"""
    SELECT * FROM ({_LIKE}) AS seen
    WHERE far <= :within
      AND (CAST(:time AS timestamptz) IS NULL
           OR (time, submission_id, place, md5) < (CAST(:time AS timestamptz),
               CAST(:submission AS text), CAST(:place AS smallint), CAST(:file AS bytea)))
    ORDER BY time DESC, submission_id DESC, place DESC, md5 DESC LIMIT :most
    """  # noqa: S608 - a constant
)
_PATIENCE = text("SET LOCAL statement_timeout = '25s'")


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of copies ended."""

    time: Annotated[datetime, msgspec.Meta(tz=True)]
    submission_id: str
    place: Annotated[int, msgspec.Meta(ge=0, le=2**15 - 1)]
    md5: Md5

    def written(self) -> str:
        """For who asks for the next page."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def read(cls, written: str) -> Place:
        """Raises ValueError."""
        try:
            return msgspec.json.decode(written, type=cls)
        except msgspec.MsgspecError as error:
            raise ValueError(f"no place in a list of copies: {error}") from None


class Copies(NamedTuple):
    """A page; `last` is where it ended, if there are more."""

    found: list[SeenCopy]
    last: Place | None


async def add(connection: AsyncConnection, media: Sequence[SeenMedium]) -> int:
    """How many were new. Their days' partitions are there."""
    done = await connection.execute(
        _ADD,
        {
            "orgs": [one.org_id for one in media],
            "keys": [_key(one.item) for one in media],
            "times": [one.time for one in media],
            "submissions": [one.submission_id for one in media],
            "places": [one.place for one in media],
            "md5s": [one.md5 for one in media],
            "pdqs": [one.pdq for one in media],
            "uprights": [one.pdq_upright for one in media],
            "qualities": [one.quality for one in media],
            "kinds": [one.kind for one in media],
            "items": [one.item.id for one in media],
            "types": [one.item.type_id for one in media],
            "fields": [one.field for one in media],
        },
    )
    return done.rowcount


async def count(connection: AsyncConnection, org_id: str, sought: SoughtCopies) -> tuple[int, int]:
    """How many media, and of how many items."""
    await connection.execute(_PATIENCE)
    row = (await connection.execute(_COUNT, _asked(org_id, sought))).one()
    return row.media, row.items


async def find(
    connection: AsyncConnection,
    org_id: str,
    sought: SoughtCopies,
    *,
    after: Place | None,
    limit: int,
) -> Copies:
    """A page, the newest first."""
    await connection.execute(_PATIENCE)
    place = {
        "time": None if after is None else after.time,
        "submission": "" if after is None else after.submission_id,
        "place": 0 if after is None else after.place,
        "file": b"" if after is None else bytes.fromhex(after.md5),
    }
    asked = _asked(org_id, sought) | place | {"most": limit + 1}
    rows = (await connection.execute(_FIND, asked)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return Copies(
        [_copy(row) for row in rows[:limit]],
        None if last is None else Place(last.time, last.submission_id, last.place, last.md5.hex()),
    )


def _asked(org_id: str, sought: SoughtCopies) -> dict[str, Any]:
    return {
        "org": org_id,
        "since": sought.since,
        "until": sought.until,
        "pdq": sought.pdq,
        "md5": sought.md5,
        "within": sought.within,
    }


def _copy(row: Any) -> SeenCopy:
    return SeenCopy(
        item=ItemRef(row.item_id, row.type_id),
        submission_id=row.submission_id,
        field=row.field,
        kind=row.kind,
        distance=row.far,
        identical=bool(row.identical),
        seen_at=row.time,
    )


async def forget(
    connection: AsyncConnection, org_id: str, items: Sequence[ItemRef], *, until: datetime
) -> int:
    """How many media of these items, submitted until then, are known no more. Nothing of before
    then is remembered of them from now on."""
    keys = {"org": org_id, "until": until, "keys": [_key(item) for item in items]}
    await connection.execute(_ERASE, keys)
    asked = {
        "org": org_id,
        "until": until,
        "items": [item.id for item in items],
        "types": [item.type_id for item in items],
    }
    return (await connection.execute(_FORGET, asked)).rowcount


async def erased(
    connection: AsyncConnection, submitted: Sequence[tuple[str, ItemRef, datetime]]
) -> set[int]:
    """Which of these (by their number) are of items that were erased after they were submitted:
    organisation, item, time."""
    asked = {
        "orgs": [org_id for org_id, _, _ in submitted],
        "keys": [_key(item) for _, item, _ in submitted],
        "times": [time for _, _, time in submitted],
    }
    return {int(place) - 1 for place in await connection.scalars(_ERASED, asked)}


async def forget_erased(connection: AsyncConnection, before: datetime) -> int:
    """How many items nobody has to know any more that they were erased."""
    return (await connection.execute(_FORGET_ERASED, {"before": before})).rowcount


def _key(item: ItemRef) -> bytes:
    """Not the ids themselves: they were to go."""
    return hashlib.sha256(f"{len(item.type_id)}:{item.type_id}{item.id}".encode()).digest()
