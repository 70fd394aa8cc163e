"""A search for a word through everything that a stack keeps: PostgreSQL, Redis, and its files.

Guarantees: every column of every table of every schema, whatever its type; every key and value,
whatever its kind; every file of the state folder but the engines' own data, logs among them.
Must not: search the topics: they forget by their retention, which docs/retention.md says in days.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import redis
from psycopg import sql

from tests.local_stack import LocalStack

_ENGINES = ("kafka/data", "postgres/data", "valkey")
_COLUMNS = """
    SELECT c.table_schema, c.table_name, c.column_name, c.data_type
    FROM information_schema.columns AS c JOIN information_schema.tables AS t
      USING (table_schema, table_name)
    WHERE t.table_type = 'BASE TABLE'
      AND c.table_schema NOT IN ('pg_catalog', 'information_schema')
    ORDER BY 1, 2, c.ordinal_position
"""


def in_database(stack: LocalStack, word: str) -> set[str]:
    """The tables, `schema.table`, in a row of which the word is; a partition under the name of its
    table."""
    found: set[str] = set()
    with psycopg.connect(stack.run_file()["postgresAdmin"]) as open_:
        tables: dict[tuple[str, str], list[sql.Composable]] = {}
        for schema, table, column, kind in open_.execute(_COLUMNS).fetchall():
            name = sql.Identifier(column)
            has = (
                sql.SQL("position({} IN {}) > 0").format(sql.Literal(word.encode()), name)
                if kind == "bytea"
                else sql.SQL("position({} IN {}::text) > 0").format(sql.Literal(word), name)
            )
            tables.setdefault((schema, table), []).append(has)
        for (schema, table), has_it in tables.items():
            asked = sql.SQL("SELECT 1 FROM {} WHERE {} LIMIT 1").format(
                sql.Identifier(schema, table), sql.SQL(" OR ").join(has_it)
            )
            if open_.execute(asked).fetchone():
                found.add(f"{schema}.{table.split('_p2')[0]}")
    return found


def in_redis(stack: LocalStack, word: str) -> set[str]:
    """The keys that have the word, in their name or in what they hold."""
    server = redis.Redis.from_url(stack.run_file()["redis"])
    try:
        return {
            key.decode(errors="replace")
            for key in server.scan_iter(count=1000)
            if word.encode() in key or word.encode() in held_in_redis(server, key)
        }
    finally:
        server.close()


def in_files(stack: LocalStack, word: str) -> set[str]:
    """The files of the state folder, and the output of the stack, that have the word in their name
    or in what they hold."""
    found = {str(stack.output)} if word.encode() in stack.output.read_bytes() else set()
    for path in _files(stack.state):
        name = path.relative_to(stack.state).as_posix()
        if word in name or word.encode() in path.read_bytes():
            found.add(name)
    return found


def _files(state: Path) -> Iterator[Path]:
    for path in state.rglob("*"):
        name = path.relative_to(state).as_posix()
        if path.is_file() and not name.startswith(_ENGINES):
            yield path


def held_in_redis(server: Any, key: bytes) -> bytes:
    """What a key holds, whatever its kind."""
    kind = server.type(key).decode()
    if kind == "string":
        return bytes(server.get(key) or b"")
    read = {
        "hash": server.hgetall,
        "set": server.smembers,
        "zset": lambda name: server.zrange(name, 0, -1),
        "list": lambda name: server.lrange(name, 0, -1),
        "stream": server.xrange,
    }
    return repr(read[kind](key)).encode()
