"""Reads one organisation out of Coop's own PostgreSQL.

Guarantees: one read-only snapshot (REPEATABLE READ), so that no row is of another moment than the
others; a database that is not Coop's, or of a Coop that keeps its things otherwise, is refused with
the table and the column; columns and tables that are new are told.
Must not: write there; read another organisation's rows; put the address, which has a password, into
a message.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import dict_row

from coop_review_api.moving.coop_table import NOT_IMPORTED, OF_NO_USE, SCHEMAS, TABLES, CoopTable
from coop_review_api.moving.source import CoopSource, Row

_CONNECT_TIMEOUT = 10
_STATEMENT_TIMEOUT = "120s"

Columns = Mapping[str, frozenset[str]]


class SourceError(Exception):
    """What was given is no database, or none of Coop's, or has no such organisation: a sentence."""


async def read(dsn: str, org_id: str) -> CoopSource:
    """The organisation. Raises `SourceError`."""
    async with opened(dsn) as connection:
        return await _read(connection, org_id)


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[AsyncConnection[Row]]:
    """Coop's database as it is now, to be read. Raises `SourceError`."""
    try:
        connection = await AsyncConnection.connect(
            _plain(dsn), connect_timeout=_CONNECT_TIMEOUT, row_factory=dict_row, autocommit=False
        )
    except (psycopg.Error, UnicodeError) as error:
        raise SourceError(f"Coop's database cannot be reached: {_first_line(error)}") from None
    try:
        async with connection:
            await connection.set_read_only(True)
            await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            await connection.execute(
                f"SELECT set_config('statement_timeout', '{_STATEMENT_TIMEOUT}', true),"
                " set_config('timezone', 'UTC', true)"
            )
            yield connection
    except psycopg.Error as error:
        raise SourceError(f"Coop's database cannot be read: {_first_line(error)}") from None


async def _read(connection: AsyncConnection[Row], org_id: str) -> CoopSource:
    columns = await _columns(connection)
    _check(columns)
    known = await connection.execute("SELECT id, name FROM public.orgs ORDER BY id LIMIT 20")
    rows: dict[str, list[Row]] = {}
    for table in TABLES.values():
        if table.full_name in columns:
            rows[table.full_name] = await _rows(connection, table, columns, org_id)
    if not rows["public.orgs"]:
        there = ", ".join(f"{row['id']} ({row['name']})" for row in await known.fetchall())
        raise SourceError(
            f"Coop's database has no organisation {org_id}; it has: {there or 'none'}"
        )
    return CoopSource(
        org_id=org_id,
        rows=rows,
        left=await _left(connection, columns, org_id),
        unknown=_unknown(columns),
    )


async def _columns(connection: AsyncConnection[Row]) -> dict[str, frozenset[str]]:
    """The columns of every table there is."""
    found = await connection.execute(
        "SELECT n.nspname || '.' || c.relname AS name, array_agg(a.attname::text) AS columns"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY(%(schemas)s) GROUP BY 1",
        {"schemas": list(SCHEMAS)},
    )
    return {row["name"]: frozenset(row["columns"]) for row in await found.fetchall()}


def _check(columns: Columns) -> None:
    faults = []
    for table in TABLES.values():
        there = columns.get(table.full_name)
        if there is None:
            if table.required:
                faults.append(f"there is no table {table.full_name}")
            continue
        faults += [
            f"the table {table.full_name} has no column {name}"
            for name in table.needed
            if name not in there
        ]
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        said = "; ".join(faults[:3])
        raise SourceError(f"this is no schema of Coop that is known here: {said}{more}")


async def _rows(
    connection: AsyncConnection[Row], table: CoopTable, columns: Columns, org_id: str
) -> list[Row]:
    there = columns[table.full_name]
    names = [name for name in (*table.needed, *table.later) if name in there]
    asked = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(
            sql.SQL(table.casts[name]) if name in table.casts else sql.Identifier(name),
            sql.Identifier(name),
        )
        for name in names
    )
    query = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {}").format(
        asked,
        sql.Identifier(table.schema, table.name),
        sql.SQL(table.where),
        sql.SQL(table.order),
    )
    found = await connection.execute(query, {"org": org_id})
    return list(await found.fetchall())


async def _left(connection: AsyncConnection[Row], columns: Columns, org_id: str) -> dict[str, int]:
    """How many rows of the organisation stay, by table; where a table does not say whose they are,
    all of it."""
    counts = {}
    for name in sorted(NOT_IMPORTED.keys() & columns.keys()):
        schema, _, table = name.partition(".")
        mine = "org_id" in columns[name]
        query = sql.SQL("SELECT count(*) AS count FROM {} WHERE {}").format(
            sql.Identifier(schema, table),
            sql.SQL("org_id = %(org)s") if mine else sql.SQL("true"),
        )
        found = await (await connection.execute(query, {"org": org_id})).fetchone()
        count = int(found["count"]) if found else 0
        if count:
            counts[name] = count
    return counts


def _unknown(columns: Columns) -> list[str]:
    found = []
    for name, there in sorted(columns.items()):
        table = TABLES.get(name)
        if table is not None:
            known = {*table.needed, *table.later, *table.ignored, *table.casts}
            found += [f"column {name}.{column}" for column in sorted(there - known)]
        elif name not in NOT_IMPORTED and name not in OF_NO_USE:
            found.append(f"table {name}")
    return found


def _plain(dsn: str) -> str:
    """As libpq reads it, whatever driver SQLAlchemy's form of it names."""
    scheme, mark, rest = dsn.partition("://")
    return f"{scheme.partition('+')[0]}{mark}{rest}" if mark else dsn


def _first_line(error: Any) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
