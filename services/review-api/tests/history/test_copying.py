"""What COPY is given is what is read back, whatever is in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from psycopg.rows import dict_row

from coop_review_api.history.copying import COPIED, copy_lines
from coop_review_api.history.version import ItemVersion

pytestmark = pytest.mark.engines

AN_HOUR_EAST = timezone(timedelta(hours=1))
VERSION = ItemVersion(
    org_id="org",
    item_id="item",
    type_id="post",
    time=datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC),
    submission_id="s",
    source="ITEM",
    is_user=False,
    has_media=True,
    author_key="7d0f8c52-94a1-5c7b-8a44-1f6e0b3d9c55",
    thread_key=None,
    parent_key="e3b1a0c6-5f27-5d1e-9b38-6c4d2a7f8e66",
    said_at=datetime(1, 1, 2, 3, tzinfo=AN_HOUR_EAST),
    address=None,
    item=b"{}",
)


@dataclass
class Table:
    """Has the columns of a version, as text where that is what they are."""

    database: psycopg.Connection[Any]

    def back(self, *versions: ItemVersion) -> list[ItemVersion]:
        with self.database.cursor(row_factory=dict_row) as cursor:
            cursor.execute("TRUNCATE versions")
            with cursor.copy(f"COPY versions ({', '.join(COPIED)}) FROM STDIN") as copy:
                copy.write(copy_lines(versions))
            cursor.execute("SELECT * FROM versions ORDER BY number")
            rows = [{name: _plain(row[name]) for name in COPIED} for row in cursor]
        return [ItemVersion(**row | {"item": row["item"].encode()}) for row in rows]


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | bool | datetime) or value is None else str(value)


@pytest.fixture
def table(review_admin_url: str) -> Any:
    with psycopg.connect(review_admin_url, autocommit=True) as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute(
            "CREATE TEMPORARY TABLE versions (LIKE review.item_versions,"
            " number bigint GENERATED ALWAYS AS IDENTITY)"
        )
        yield Table(database)


# As hypothesis takes them: without a zone.
SPAN = (datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001
TEXTS = st.text(
    st.one_of(st.sampled_from("\\\t\n\r\x1f\"'.N\x08\x0b"), st.characters(codec="utf-8")),
    max_size=20,
).filter(lambda text: "\0" not in text)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    names=st.tuples(TEXTS, TEXTS, TEXTS, TEXTS),
    address=st.none() | TEXTS,
    item=TEXTS,
    thread=st.none() | st.uuids().map(str),
    time=st.datetimes(*SPAN, timezones=st.just(UTC)),
)
def test_whatever_is_in_it(table: Table, names: Any, address: Any, item: str, **more: Any) -> None:
    """Backslashes, tabs, ends of lines, quotes and what looks like a null come back as they were,
    and so do nulls, empty texts and times."""
    thread, time = more["thread"], more["time"]
    org_id, item_id, type_id, submission_id = names
    version = replace(
        VERSION,
        org_id=org_id,
        item_id=item_id,
        type_id=type_id,
        submission_id=submission_id,
        address=address,
        item=item.encode(),
        thread_key=thread,
        time=time,
        said_at=time,
    )
    assert table.back(version, VERSION) == [version, VERSION]


@pytest.mark.parametrize("text", ["\\N", "\\.", "\\", "a\\", "\\\n", "\r\n", "", "\t", "\\x41"])
def test_what_the_format_would_read_otherwise(table: Table, text: str) -> None:
    """Each of these has a meaning of its own in COPY's text; none of it here."""
    version = replace(VERSION, item_id=text, address=text, item=text.encode())
    assert table.back(version, version) == [version, version]


def test_every_column_is_copied() -> None:
    """All that a version has, but for the text that is searched."""
    assert set(COPIED) == set(ItemVersion.__struct_fields__) - {"text"}
