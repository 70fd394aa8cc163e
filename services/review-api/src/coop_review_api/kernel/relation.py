"""What a slice lets others read of its tables.

A slice's tables are its own: others read, by joining with it, what a relation promises. The planner
sees through it (a plain subquery is pulled up): a join costs what it would cost with the table.

Guarantees: a relation has the columns that it names, and no others; a column that is not there
fails at import.
Must not: be written to or locked through.
"""

from __future__ import annotations

from sqlalchemy import Subquery, Table, select


class Relation:
    """Columns of a table, to be read. `of` is for expressions, `sql` for text."""

    def __init__(self, table: Table, *columns: str) -> None:
        self._table = table
        self._columns = columns
        self.of: Subquery = select(*(table.c[name] for name in columns)).subquery(table.name)
        self.sql = f"(SELECT {', '.join(map(_quoted, columns))} FROM {table.fullname})"  # noqa: S608

    @classmethod
    def whole(cls, table: Table) -> Relation:
        """All columns: of a table that is there to be asked."""
        return cls(table, *(column.name for column in table.c))

    def subquery(self, name: str) -> Subquery:
        """The same under another name, for a second join."""
        return select(*(self._table.c[column] for column in self._columns)).subquery(name)


def _quoted(column: str) -> str:
    return f'"{column}"' if column == "order" else column
