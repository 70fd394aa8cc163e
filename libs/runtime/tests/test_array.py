"""Arrays in PostgreSQL's binary format, and rows of which each column is one."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_runtime.database.array import (
    Bigints,
    Blobs,
    Booleans,
    Floats,
    Integers,
    Jsons,
    Moments,
    Texts,
    Uuids,
    typed,
)
from coop_runtime.database.column import Column, Columns, unnest

pytestmark = pytest.mark.engines

_ID = str(uuid.uuid4())
_MOMENT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "cast", "values"),
    [
        (Texts, "text", ["a", "", "ж {,\"\\ NULL'", None, "x" * 100_000]),
        (Blobs, "bytea", [b"", b"\x00\xff\\", None]),
        (Bigints, "bigint", [0, -1, 2**63 - 1, -(2**63)]),
        (Bigints, "bigint", [1, None, 3]),
        (Integers, "integer", [1, None, -(2**31)]),
        (Floats, "float8", [0.0, -1.5, 1e300]),
        (Booleans, "boolean", [True, False, None]),
        (Booleans, "boolean", [True, False]),
        (Moments, "timestamptz", [_MOMENT, datetime(1970, 1, 1, tzinfo=UTC), None]),
    ],
)
async def test_what_is_sent_is_what_is_read(
    engine: AsyncEngine, kind: Any, cast: str, values: list[Any]
) -> None:
    """Every value arrives as it was, and NULL as NULL."""
    async with engine.connect() as connection:
        query = text(f"SELECT v FROM unnest(CAST(:v AS {cast}[])) WITH ORDINALITY AS t (v, n)")
        found = await connection.execute(query, {"v": kind(values)})
        assert [bytes(v) if isinstance(v, memoryview) else v for (v,) in found] == values


async def test_ids_and_json(engine: AsyncEngine) -> None:
    """UUIDs from their text, JSON from its bytes."""
    async with engine.connect() as connection:
        query = text("SELECT (CAST(:v AS uuid[]))[1]::text, (CAST(:j AS jsonb[]))[2] ->> 'a'")
        found = await connection.execute(query, {"v": Uuids([_ID]), "j": Jsons([None, b'{"a":1}'])})
        assert tuple(found.one()) == (_ID, "1")


async def test_an_empty_array(engine: AsyncEngine) -> None:
    """No elements are no rows."""
    async with engine.connect() as connection:
        for kind, cast in ((Texts, "text"), (Bigints, "bigint"), (Moments, "timestamptz")):
            query = text(f"SELECT cardinality(CAST(:v AS {cast}[]))")
            assert (await connection.execute(query, {"v": kind([])})).scalar_one() == 0


async def test_a_moment_of_another_zone(engine: AsyncEngine) -> None:
    """A moment is the same moment wherever it was told."""
    there = datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    async with engine.connect() as connection:
        query = text("SELECT (CAST(:v AS timestamptz[]))[1]")
        assert (await connection.execute(query, {"v": Moments([there])})).scalar_one() == there


@pytest.mark.parametrize("kind", [Texts, Blobs, Uuids, Jsons, Moments, Bigints, Floats, Booleans])
async def test_the_type_that_an_array_names_is_its_own(engine: AsyncEngine, kind: Any) -> None:
    """A parameter without a cast is of the very type that `sql` names."""
    async with engine.connect() as connection:
        found = await connection.execute(
            text(f"SELECT pg_typeof(:v) = CAST('{kind.sql}[]' AS regtype)"), {"v": kind([])}
        )
        assert found.scalar_one()


class _Sheep(NamedTuple):
    name: str
    legs: int


class _Owner(NamedTuple):
    id: str


_SHEEP = Columns[_Sheep](
    Column("name", Texts),
    Column("species", Texts, "__class__.__name__"),
    Column("legs", Integers, lambda sheep: sheep.legs),
)
_OWNERS = Columns[_Owner](Column("id", Uuids), prefix="owner_")


async def test_columns_are_read_by_the_names_that_they_were_given_by(engine: AsyncEngine) -> None:
    """Rows of two sources side by side, in their order; where one has none, NULL."""
    query = text(
        f"SELECT id::text, legs, name, species FROM {unnest('s', _SHEEP, _OWNERS)}"
        " ORDER BY position"
    )
    rows = [_Sheep("Dolly", 4), _Sheep("Molly", 3)]
    async with engine.connect() as connection:
        found = await connection.execute(
            query, _SHEEP.arrays(rows) | _OWNERS.arrays([None, _Owner(_ID)])
        )
        assert found.all() == [
            (None, 4, "Dolly", "_Sheep"),
            (_ID, 3, "Molly", "_Sheep"),
        ]
        assert (await connection.execute(query, _SHEEP.arrays([]) | _OWNERS.arrays([]))).all() == []


def test_a_prefix_keeps_parameters_apart() -> None:
    """Two groups with a column of one name can be in one statement."""
    assert _OWNERS.arrays([]).keys() == {"owner_id"}
    assert unnest("o", _OWNERS) == (
        "unnest(CAST(:owner_id AS uuid[])) WITH ORDINALITY AS o (id, position)"
    )


async def test_values_take_the_types_that_a_statement_casts_them_to(engine: AsyncEngine) -> None:
    """Short names of types too; what is not cast, or to nothing known, is said at once."""
    query = text(
        "SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:counts AS int[]), CAST(:said AS bool[]),"
        " CAST(:at AS timestamptz[]))"
    )
    values: dict[str, list[Any]] = {"ids": [_ID], "counts": [3], "said": [None], "at": [_MOMENT]}
    async with engine.connect() as connection:
        found = (await connection.execute(query, typed(query, values))).one()
    assert tuple(found) == (uuid.UUID(_ID), 3, None, _MOMENT)
    with pytest.raises(KeyError):
        typed(query, {"others": [1]})
    with pytest.raises(KeyError):
        typed(text("SELECT CAST(:areas AS box[])"), {"areas": []})
