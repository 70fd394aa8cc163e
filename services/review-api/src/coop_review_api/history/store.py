"""The history in PostgreSQL: writing.

Guarantees: a batch is one transaction of a few statements, whatever its size; a version
that is there, from whichever publication of its submission, is not written again, and nothing that
comes late of a user who was erased.
Must not: read what it wrote, or drop anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from operator import attrgetter
from typing import Any, cast

import psycopg
import sqlalchemy.exc
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_queues.reading import item_key
from coop_review_api.history.copying import COPIED, copy_lines
from coop_review_api.history.port import Mark
from coop_review_api.history.table import VERSIONS, item_marks, item_versions
from coop_review_api.history.version import ItemVersion
from coop_review_api.kernel import tombstone
from coop_runtime.database.array import Booleans, Moments, Texts, Uuids
from coop_runtime.database.column import Column, Columns, unnest
from coop_runtime.database.engine import transaction
from coop_runtime.database.partition import Partitions
from coop_runtime.process.error import Retryable

_NO_PARTITION = "23514"  # check_violation: no partition takes the row
_FIRST = "7"  # the version of a UUID that no repeated request can have

_ROWS = Columns[ItemVersion](
    Column("org_id", Texts),
    Column("item_id", Texts),
    Column("type_id", Texts),
    Column("time", Moments),
    Column("submission_id", Texts),
    Column("source", Texts),
    Column("is_user", Booleans),
    Column("has_media", Booleans),
    Column("author_key", Uuids),
    Column("thread_key", Uuids),
    Column("parent_key", Uuids),
    Column("said_at", Moments),
    Column("address", Texts),
    Column("item", Texts, lambda version: version.item.decode()),
)
_WORDS = Columns[ItemVersion](Column("text", Texts))
_NAMES = ", ".join(column.name for column in _ROWS.columns)
_ADD = text(
    f"INSERT INTO {item_versions.fullname} ({_NAMES})"  # noqa: S608 - names of our own
    f" SELECT {_NAMES} FROM {unnest('given', _ROWS)} ON CONFLICT DO NOTHING"
)
_COPY = f"COPY {item_versions.fullname} ({', '.join(COPIED)}) FROM STDIN"
_ADD_SEARCHED = text(
    f"INSERT INTO {item_versions.fullname} ({_NAMES}, words)"  # noqa: S608 - names of our own
    f" SELECT {_NAMES}, to_tsvector('simple', given.text)"
    " || array_to_tsvector(ARRAY['org:' || given.org_id])"
    f" FROM {unnest('given', _ROWS, _WORDS)} ON CONFLICT DO NOTHING"
)
_KEYS = Columns[ItemVersion](
    Column("org_id", Texts),
    Column("item_id", Texts),
    Column("type_id", Texts),
    Column("time", Moments),
    Column("submission_id", Texts),
)
# An Idempotency-Key makes the same submission of a request that is sent again, within a day.
_KNOWN = text(
    f"""
    SELECT given.position FROM {unnest("given", _KEYS)}
     CROSS JOIN LATERAL (
        SELECT 1 FROM {item_versions.fullname} known
         WHERE known.org_id = given.org_id AND known.item_id = given.item_id
           AND known.type_id = given.type_id AND known.submission_id = given.submission_id
           AND known.time BETWEEN given.time - interval '1 day' AND given.time + interval '1 day'
         LIMIT 1) AS found
    """  # noqa: S608 - names of our own
)
_MARKS = Columns[Mark](
    Column("org_id", Texts),
    Column("item_id", Texts),
    Column("type_id", Texts),
    Column("reason", Texts),
)
_MARK = text(
    f"INSERT INTO {item_marks.fullname} AS {item_marks.name}"  # noqa: S608 - names of our own
    " (org_id, item_id, type_id, reason)"
    " SELECT DISTINCT ON (org_id, item_id, type_id) org_id, item_id, type_id, reason"
    f" FROM {unnest('given', _MARKS)} ORDER BY org_id, item_id, type_id"
    " ON CONFLICT (org_id, item_id, type_id) DO UPDATE SET marked_at = now()"
    f" WHERE {item_marks.name}.marked_at < now() - interval '1 day'"
)


_identity = attrgetter("org_id", "item_id", "type_id", "submission_id")

_Way = Callable[[AsyncConnection, Sequence[ItemVersion]], Awaitable[int]]


class ItemStore:
    """An `ItemWriter`."""

    def __init__(self, engine: AsyncEngine, partitions: Partitions) -> None:
        self._engine = engine
        self._partitions = partitions

    async def add(self, versions: Sequence[ItemVersion], marks: Sequence[Mark] = ()) -> int:
        """Keeps them, all or none; how many versions were new. Raises `Retryable`."""
        if not (versions or marks):
            return 0
        times = [version.time for version in versions]
        if times and VERSIONS.start_of(min(times)) == VERSIONS.start_of(max(times)):
            times = times[:1]  # of one day, as nearly every batch is
        await self._partitions.ensure(VERSIONS, times)
        try:
            try:
                return await self._write(versions, marks, _copy)
            except psycopg.errors.UniqueViolation:
                # Read again after a crash, which is rare: nothing of the batch was kept.
                return await self._write(versions, marks, _insert)
        except (sqlalchemy.exc.IntegrityError, psycopg.errors.CheckViolation) as error:
            if getattr(getattr(error, "orig", error), "sqlstate", None) != _NO_PARTITION:
                raise
            # Dropped by another process since it was seen here.
            self._partitions.forget()
            raise Retryable("a partition is gone: it will be made again") from error

    async def _write(
        self, versions: Sequence[ItemVersion], marks: Sequence[Mark], plainly: _Way
    ) -> int:
        async with transaction(self._engine) as connection:
            versions, marks = await _of_nobody_erased(connection, versions, marks)
            new = await _unknown(connection, versions)
            plain = [version for version in new if version.text is None]
            searched = [version for version in new if version.text is not None]
            added = 0
            if plain:
                added += await plainly(connection, plain)
            if searched:
                arrays: dict[str, Any] = _ROWS.arrays(searched) | _WORDS.arrays(searched)
                added += (await connection.execute(_ADD_SEARCHED, arrays)).rowcount
            # In one order, so that two writers do not wait for each other.
            ordered = sorted(set(marks), key=lambda m: (m.org_id, m.item_id, m.type_id))
            if ordered:
                await connection.execute(_MARK, _MARKS.arrays(ordered))
        return added


async def _of_nobody_erased(
    connection: AsyncConnection, versions: Sequence[ItemVersion], marks: Sequence[Mark]
) -> tuple[Sequence[ItemVersion], Sequence[Mark]]:
    """What does not come late of users who were erased: neither what they made, nor that something
    was done about them."""
    orgs = {one.org_id for one in versions} | {mark.org_id for mark in marks}
    with_any = await tombstone.organisations_with_any(connection, orgs)
    if not with_any:
        return versions, marks
    keys = {mark: (mark.org_id, item_key(mark.type_id, mark.item_id)) for mark in marks}
    authors = {(one.org_id, one.author_key) for one in versions if one.org_id in with_any}
    erased = await tombstone.among(connection, authors | set(keys.values()))
    if not erased:
        return versions, marks

    def is_late(version: ItemVersion) -> bool:
        found = erased.get((version.org_id, version.author_key))
        return found is not None and found.covers(version.time)

    kept = [one for one in versions if not is_late(one)]
    there = {(one.org_id, one.author_key) for one in kept}
    return kept, [one for one in marks if keys[one] not in erased or keys[one] in there]


async def _copy(connection: AsyncConnection, versions: Sequence[ItemVersion]) -> int:
    """The quickest way in, all new or none: an insert that looks for conflicts costs PostgreSQL
    half as much again. Raises `UniqueViolation`."""
    raw = await connection.get_raw_connection()
    driver = cast(psycopg.AsyncConnection[Any], raw.driver_connection)
    async with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
        await copy.write(copy_lines(versions))
    return len(versions)


async def _insert(connection: AsyncConnection, versions: Sequence[ItemVersion]) -> int:
    return (await connection.execute(_ADD, _ROWS.arrays(versions))).rowcount


async def _unknown(
    connection: AsyncConnection, versions: Sequence[ItemVersion]
) -> list[ItemVersion]:
    """Those that no earlier publication of their submission brought, each once."""
    once = list({_identity(version): version for version in reversed(versions)}.values())
    once.sort(key=_identity)
    repeatable = [one for one in once if one.submission_id[14:15] != _FIRST]
    if not repeatable:
        return once
    positions = await connection.scalars(_KNOWN, _KEYS.arrays(repeatable))
    known = {id(repeatable[position - 1]) for position in positions}
    return [one for one in once if id(one) not in known]
