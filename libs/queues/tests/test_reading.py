"""What others read of the queue store is what it has."""

from __future__ import annotations

import pytest
from sqlalchemy import FromClause, Table

from coop_queues import reading, table


@pytest.mark.parametrize(
    ("promised", "whole"),
    [
        (reading.jobs, table.jobs),
        (reading.entries, table.entries),
        (reading.claims, table.claims),
        (reading.grave_items, table.grave_items),
    ],
)
def test_promised_columns_are_the_tables_own(promised: FromClause, whole: Table) -> None:
    """A promised column is in its table, and is written and read as it is there."""
    assert list(promised.c)
    for column in promised.c:
        assert str(column) == str(whole.c[column.name])
        assert column.type is whole.c[column.name].type


def test_names_for_text_are_the_tables_own() -> None:
    """A statement written as text names the same tables as one that is built."""
    assert table.jobs.fullname == reading.JOBS
    assert table.claims.fullname == reading.CLAIMS
