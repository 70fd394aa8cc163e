"""Arrays in PostgreSQL's binary format."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import text

from coop_action_dispatcher.array import (
    Bigints,
    Blobs,
    Booleans,
    Floats,
    Integers,
    Jsons,
    Moments,
    Texts,
    Uuids,
)

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
    database: Any, kind: Any, cast: str, values: list[Any]
) -> None:
    """Every value arrives as it was, and NULL as NULL."""
    async with database.connect() as connection:
        query = text(f"SELECT v FROM unnest(CAST(:v AS {cast}[])) WITH ORDINALITY AS t (v, n)")
        found = await connection.execute(query, {"v": kind(values)})
        assert [bytes(v) if isinstance(v, memoryview) else v for (v,) in found] == values


async def test_ids_and_json(database: Any) -> None:
    """UUIDs from their text, JSON from its bytes."""
    async with database.connect() as connection:
        query = text("SELECT (CAST(:v AS uuid[]))[1]::text, (CAST(:j AS jsonb[]))[2] ->> 'a'")
        found = await connection.execute(query, {"v": Uuids([_ID]), "j": Jsons([None, b'{"a":1}'])})
        assert tuple(found.one()) == (_ID, "1")


async def test_an_empty_array(database: Any) -> None:
    """No elements are no rows."""
    async with database.connect() as connection:
        for kind, cast in ((Texts, "text"), (Bigints, "bigint"), (Moments, "timestamptz")):
            query = text(f"SELECT cardinality(CAST(:v AS {cast}[]))")
            assert (await connection.execute(query, {"v": kind([])})).scalar_one() == 0


async def test_a_moment_of_another_zone(database: Any) -> None:
    """A moment is the same moment wherever it was told."""
    there = datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    async with database.connect() as connection:
        query = text("SELECT (CAST(:v AS timestamptz[]))[1]")
        assert (await connection.execute(query, {"v": Moments([there])})).scalar_one() == there
