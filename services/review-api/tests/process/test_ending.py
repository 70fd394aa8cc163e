"""What goes when its time is over: every table of which a slice says so."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, BigInteger, Boolean, DateTime, Float, Integer, LargeBinary, Table
from sqlalchemy.dialects.postgresql import JSONB

from coop_contracts.stored import stored_in
from coop_review_api.kernel.ending import Ending, EndingKeeper
from coop_review_api.process.endings import ENDINGS

pytestmark = pytest.mark.engines

NOW = datetime(2026, 6, 1, tzinfo=UTC)
each_ending = pytest.mark.parametrize("ending", ENDINGS, ids=[one.table.name for one in ENDINGS])

# What a constraint wants to hear.
_WORDS = {
    ("automations", "kind"): "EMPTY_QUEUE",
    ("automations", "state"): "COMPLETE",
    ("bulk_jobs", "kind"): "ACTION",
    ("bulk_jobs", "state"): "COMPLETE",
    ("erasures", "state"): "COMPLETE",
    ("rule_proposals", "state"): "DECLINED",
    ("sessions", "method"): "PASSWORD",
}


def planted(connection: psycopg.Connection[Any], table: Table, moment: datetime) -> dict[str, Any]:
    """A row of this table of which every time is `moment`; its key."""
    row = {
        column.name: _value(table.name, column.name, column.type, moment)
        for column in table.columns
        if column.identity is None
    }
    names = ", ".join(f'"{name}"' for name in row)
    places = ", ".join(f"%({name})s" for name in row)
    connection.execute("SET session_replication_role = replica")  # whatever it refers to
    connection.execute(f"INSERT INTO {table.fullname} ({names}) VALUES ({places})", row)
    return {column.name: row[column.name] for column in table.primary_key}


def _value(table: str, name: str, kind: Any, moment: datetime) -> Any:
    if (table, name) in _WORDS:
        return _WORDS[table, name]
    unique = uuid.uuid4()
    for type_, value in (
        (DateTime, moment),
        (Boolean, False),
        (BigInteger, 1),
        (Integer, 1),
        (Float, 1.0),
        (LargeBinary, unique.bytes),
        (JSONB, Jsonb({})),
        (ARRAY, []),
    ):
        if isinstance(kind, type_):
            return value
    return str(unique)


def there(connection: psycopg.Connection[Any], table: Table, key: dict[str, Any]) -> bool:
    where = " AND ".join(f"{name} = %({name})s" for name in key)
    return bool(connection.execute(f"SELECT 1 FROM {table.fullname} WHERE {where}", key).fetchone())


@each_ending
async def test_old_rows_go_and_young_ones_stay(
    ending: Ending, engine: Any, review_admin_url: str
) -> None:
    """A row that is a moment older than it is kept goes with the next round, all that are of its
    age with it, however many; one that is a moment younger stays."""
    second = timedelta(seconds=1)
    with psycopg.connect(review_admin_url, autocommit=True) as connection:
        old = [
            planted(connection, ending.table, NOW - ending.kept - second * number)
            for number in (1, 2, 3)
        ]
        young = planted(connection, ending.table, NOW - ending.kept + second)
        try:
            await EndingKeeper(engine, [ending], clock=lambda: NOW, batch=2).keep()
            assert [there(connection, ending.table, key) for key in old] == [False] * 3
            assert there(connection, ending.table, young)
        finally:
            later = EndingKeeper(engine, [ending], clock=lambda: NOW + 2 * second)
            await later.keep()
        assert not there(connection, ending.table, young)


def test_the_registry_names_each_of_them() -> None:
    """What the registry says this keeper ends is what slices have declared, or hangs on it."""
    by_keeper = {
        kind.name
        for kind in stored_in("review")
        if kind.by == f"{EndingKeeper.__module__}:{EndingKeeper.__name__}"
    }
    assert by_keeper == {ending.table.name for ending in ENDINGS} | {
        "batch_jobs",
        "bulk_items",
        "erasure_users",
    }
