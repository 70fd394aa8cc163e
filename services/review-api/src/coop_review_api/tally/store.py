"""Counting: facts become sums, in the transaction of the rows that they are about.

Guarantees: what the transaction takes back was not counted. Several processes may count at once:
keys and days are written in one order, so that they wait for each other and never in a circle,
which is why a transaction counts once, with all it has.
Must not: know whether a fact was counted before: whoever brings it knows, by the row of the fact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.tally.figure import Fact, cells_of
from coop_runtime.process.error import Retryable

QUARTERS: Final = 96
"""Of an hour, in a day."""

_GIVEN = """
    SELECT org_id, figure, split, CAST(dimension_values AS text[]) AS dimension_values, grave
      FROM unnest(CAST(:orgs AS text[]), CAST(:figures AS text[]), CAST(:splits AS text[]),
                  CAST(:values AS text[]), CAST(:graves AS boolean[]))
           AS given (org_id, figure, split, dimension_values, grave)
"""
_SAME = """
    known.org_id = given.org_id AND known.figure = given.figure AND known.split = given.split
    AND known.dimension_values = given.dimension_values AND known.grave = given.grave
"""
_KEYS = text(
    f"""
    INSERT INTO review.tally_keys (org_id, figure, split, dimension_values, grave)
    SELECT DISTINCT given.* FROM ({_GIVEN}) AS given
     WHERE NOT EXISTS (SELECT 1 FROM review.tally_keys known WHERE {_SAME})
     ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - constants; values are bound
)
_COUNT = text(
    f"""
    INSERT INTO review.tallies AS counted (key_id, day, counts)
    SELECT known.key_id, given.day, CAST(given.counts AS integer[])
      FROM (SELECT org_id, figure, split, CAST(dimension_values AS text[]) AS dimension_values,
                   grave, day, counts
              FROM unnest(CAST(:orgs AS text[]), CAST(:figures AS text[]), CAST(:splits AS text[]),
                          CAST(:values AS text[]), CAST(:graves AS boolean[]),
                          CAST(:days AS date[]), CAST(:counts AS text[]))
                   AS given (org_id, figure, split, dimension_values, grave, day, counts)) AS given
      JOIN review.tally_keys known ON {_SAME}
     ORDER BY known.key_id, given.day
    ON CONFLICT (key_id, day) DO UPDATE SET counts = (
        SELECT array_agg(had + more ORDER BY quarter)
          FROM unnest(counted.counts, excluded.counts) WITH ORDINALITY AS n (had, more, quarter))
    """  # noqa: S608
)


class _Cell(NamedTuple):
    org_id: str
    figure: str
    split: str
    values: tuple[str, ...]
    grave: bool
    day: date


async def count(connection: AsyncConnection, facts: Iterable[Fact]) -> None:
    """Count these, once a transaction, after all else that it writes. Raises `Retryable`."""
    cells: dict[_Cell, list[int]] = defaultdict(lambda: [0] * QUARTERS)
    for fact in facts:
        day, quarter = quarter_of(fact.time)
        for split, values in cells_of(fact):
            cell = _Cell(fact.org_id, fact.figure, split, values, fact.grave, day)
            cells[cell][quarter] += fact.units
    changed = [(cell, found) for cell, found in cells.items() if any(found)]
    if not changed:
        return
    keys = {
        "orgs": [cell.org_id for cell, _ in changed],
        "figures": [cell.figure for cell, _ in changed],
        "splits": [cell.split for cell, _ in changed],
        "values": [_array(cell.values) for cell, _ in changed],
        "graves": [cell.grave for cell, _ in changed],
    }
    await connection.execute(_KEYS, keys)
    days = [cell.day for cell, _ in changed]
    counts = [_summed(found) for _, found in changed]
    written = await connection.execute(_COUNT, {**keys, "days": days, "counts": counts})
    if written.rowcount != len(changed):
        raise Retryable("a key of the tallies went while it was counted")


def quarter_of(time: datetime) -> tuple[date, int]:
    """The UTC day, and which quarter of an hour of it, from 0."""
    at = time.astimezone(UTC)
    return at.date(), at.hour * 4 + at.minute // 15


def week_of(day: date) -> date:
    """The Monday of its week."""
    return day - timedelta(days=day.weekday())


def _summed(units: list[int]) -> str:
    total = 0
    sums = []
    for one in units:
        total += one
        sums.append(str(total))
    return "{" + ",".join(sums) + "}"


def _array(values: tuple[str, ...]) -> str:
    """A text[] as PostgreSQL writes it."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"
