"""An organisation of Coop's as its database had it in one moment.

Must not: be changed; hold what the organisation does not need to be made here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class CoopSource:
    """Rows by table, as `coop_table` names them. `left` counts rows that stay where they are;
    `unknown` are tables and columns that nothing here knows."""

    org_id: str
    rows: Mapping[str, Sequence[Row]]
    left: Mapping[str, int]
    unknown: Sequence[str] = ()

    def of(self, table: str) -> Sequence[Row]:
        return self.rows.get(table, ())

    def one(self, table: str) -> Row:
        """The only row of a table with one a organisation; an empty one where there is none."""
        rows = self.of(table)
        return rows[0] if rows else {}

    def grouped(self, table: str, key: str, value: str) -> dict[str, list[str]]:
        """The pairs of a relation, as lists by its key."""
        found: dict[str, list[str]] = defaultdict(list)
        for row in self.of(table):
            if row[value] not in found[row[key]]:
                found[row[key]].append(row[value])
        return dict(found)

    def ids(self, table: str, column: str = "id") -> frozenset[str]:
        return frozenset(row[column] for row in self.of(table))
