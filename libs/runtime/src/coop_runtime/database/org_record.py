"""What a schema holds of one organisation: counted, exported, removed.

    a table with a column org_id     its rows of that organisation
    a table without                  what its owner says: a condition in SQL, or that it says
                                     nothing of any organisation

Guarantees: every table of the schema is asked, those of tomorrow too: one that has no `org_id`, and
of which its owner says nothing, is an error; removing goes on where it was stopped, in batches that
hold no lock for long, what refers to a row before the row.
Must not: reach into another owner's schema.

Statements are made of names that the catalogue of the database gave, and of its owner's constants.
"""
# ruff: noqa: S608

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection, Mapping
from graphlib import TopologicalSorter
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_runtime.database.engine import transaction

OUTBOX = "t.key LIKE convert_to(:org || '/%', 'UTF8')"
"""The condition for an outbox whose keys begin with the organisation."""

_VERSIONS = "alembic_version"
_BATCH = 5_000
_SECONDS = 300  # of one statement

# Tables that hold rows: partitions, not what they are partitions of.
_TABLES = text(
    """
    SELECT c.relname AS name, coalesce(parent.relname, c.relname) AS shown,
           EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id'
                   AND NOT a.attisdropped) AS has_org
    FROM pg_class c
    LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
    LEFT JOIN pg_class parent ON parent.oid = i.inhparent
    WHERE c.relnamespace = to_regnamespace(:schema) AND c.relkind = 'r'
    ORDER BY c.relname
    """
)
_REFERENCES = text(
    """
    SELECT source.relname AS source, target.relname AS target
    FROM pg_constraint k
    JOIN pg_class source ON source.oid = k.conrelid
    JOIN pg_class target ON target.oid = k.confrelid
    WHERE k.contype = 'f' AND k.connamespace = to_regnamespace(:schema)
      AND source.oid <> target.oid
    """
)


class Removed(NamedTuple):
    """Rows by table; `more`: the time was up."""

    rows: Mapping[str, int]
    more: bool


class _HoldingTable(NamedTuple):
    name: str
    shown: str
    condition: str


class OrgRecords:
    """One schema's. `conditions`: of tables without `org_id`, about a row `t` and the parameter
    `:org`, in the order in which their rows go, before those of all others; None: it says nothing
    of an organisation. `apart`: tables of which rows are counted and exported here, and removed in
    another way."""

    def __init__(
        self,
        schema: str,
        *,
        conditions: Mapping[str, str | None],
        apart: Collection[str] = (),
    ) -> None:
        self._schema = schema
        self._conditions = {_VERSIONS: None, **conditions}
        self._apart = frozenset(apart)

    async def count(self, connection: AsyncConnection, org_id: str) -> dict[str, int]:
        """How many rows each table holds, those without left out. Raises `LookupError` for a table
        of which nobody says whose its rows are."""
        await _allow_time(connection)
        counts: dict[str, int] = {}
        for table in await self._tables(connection):
            found = await connection.scalar(
                text(f"SELECT count(*) FROM {self._of(table)}"), {"org": org_id}
            )
            if found:
                counts[table.shown] = counts.get(table.shown, 0) + int(found)
        return counts

    async def rows(
        self, connection: AsyncConnection, org_id: str, *, hidden: Collection[str] = ()
    ) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Every row with its table, without the columns that are `hidden` (`table.column`; a whole
        `table`)."""
        await _allow_time(connection)
        for table in await self._tables(connection):
            if table.shown in hidden:
                continue
            statement = text(f"SELECT to_jsonb(t) FROM {self._of(table)}")
            async with connection.stream(statement, {"org": org_id}) as stream:
                async for (row,) in stream:
                    shown = {
                        name: value
                        for name, value in row.items()
                        if f"{table.shown}.{name}" not in hidden
                    }
                    yield table.shown, shown

    async def remove(self, engine: AsyncEngine, org_id: str, *, within: float) -> Removed:
        """Delete the rows, for `within` seconds at most, or a batch longer."""
        ends = time.monotonic() + within
        async with transaction(engine) as connection:
            tables = [t for t in await self._ordered(connection) if t.shown not in self._apart]
        removed: dict[str, int] = {}
        for table in tables:
            while True:
                async with transaction(engine, within=_SECONDS) as connection:
                    await _allow_time(connection)
                    done = await connection.execute(
                        text(
                            f"DELETE FROM {self._schema}.{table.name} WHERE ctid = ANY(ARRAY("
                            f"SELECT t.ctid FROM {self._of(table)} LIMIT {_BATCH}))"
                        ),
                        {"org": org_id},
                    )
                if done.rowcount:
                    removed[table.shown] = removed.get(table.shown, 0) + done.rowcount
                if done.rowcount < _BATCH:
                    break
                if time.monotonic() >= ends:
                    return Removed(removed, more=True)
        return Removed(removed, more=False)

    def _of(self, table: _HoldingTable) -> str:
        return f"{self._schema}.{table.name} AS t WHERE {table.condition}"

    async def _tables(self, connection: AsyncConnection) -> list[_HoldingTable]:
        found = []
        for row in await connection.execute(_TABLES, {"schema": self._schema}):
            if row.shown not in self._conditions and not row.has_org:
                raise LookupError(f"nobody says whose the rows of {self._schema}.{row.shown} are")
            condition = self._conditions.get(row.shown, "t.org_id = :org")
            if condition is not None:
                found.append(_HoldingTable(row.name, row.shown, condition))
        return found

    async def _ordered(self, connection: AsyncConnection) -> list[_HoldingTable]:
        tables = {table.name: table for table in await self._tables(connection)}
        sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(tables, ()))
        for row in await connection.execute(_REFERENCES, {"schema": self._schema}):
            if row.source in tables and row.target in tables:
                sorter.add(row.target, row.source)
        found = [tables[name] for name in sorter.static_order()]
        first = list(self._conditions)
        told = sorted(
            (one for one in found if one.shown in self._conditions),
            key=lambda one: first.index(one.shown),
        )
        return [*told, *(one for one in found if one.shown not in self._conditions)]


async def _allow_time(connection: AsyncConnection) -> None:
    await connection.execute(text(f"SET LOCAL statement_timeout = '{_SECONDS}s'"))
