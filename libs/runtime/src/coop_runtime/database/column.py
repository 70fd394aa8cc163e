"""Many rows as one parameter each column: what a statement calls them and where their values are.

    RESULTS = Columns[Result](Column("seq", Bigints, "delivery.seq"), Column("error", Texts))
    text(f"SELECT r.seq, r.error FROM {unnest('r', RESULTS)} ORDER BY r.position")
    connection.execute(statement, RESULTS.arrays(results))

Guarantees: the statement and its parameters are made of the same list, so that they agree; rows
keep their order, which the column `position` numbers from 1.
Must not: be given a name that is not a constant of ours: names become part of the statement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

from coop_runtime.database.array import Array

T = TypeVar("T")


class Column(NamedTuple, Generic[T]):
    """One column: its name, its type, and where its value is in a row that is made of `T`: a path
    of attributes, as `delivery.seq`, or a function of it; without either, the attribute `name`."""

    name: str
    array: type[Array[Any]]
    value: str | Callable[[T], Any] = ""

    @property
    def getter(self) -> Callable[[T], Any]:
        """Reads the value."""
        # Of an attribute without a frame of Python's: most of the work on a row is this.
        value = self.value or self.name
        return attrgetter(value) if isinstance(value, str) else value


class Columns(Generic[T]):
    """The columns of rows that are made of `T`. The parameters have the columns' names, behind
    `prefix` where another group of the statement has the same."""

    def __init__(self, *columns: Column[T], prefix: str = "") -> None:
        self.columns = columns
        self._arrays = [(prefix + one.name, one.array, one.getter) for one in columns]
        self.casts = [f"CAST(:{name} AS {array.sql}[])" for name, array, _ in self._arrays]

    def arrays(self, rows: Sequence[T | None]) -> dict[str, Array[Any]]:
        """The parameters of a statement; a row that is None is NULL in each column."""
        whole = [row for row in rows if row is not None]
        if len(whole) == len(rows):
            return {name: array(map(value, whole)) for name, array, value in self._arrays}
        return {
            name: array([None if row is None else value(row) for row in rows])
            for name, array, value in self._arrays
        }


def unnest(alias: str, *groups: Columns[Any]) -> str:
    """Rows side by side, as what a statement can select from; `position` is their number."""
    casts = ", ".join(cast for group in groups for cast in group.casts)
    names = ", ".join(column.name for group in groups for column in group.columns)
    return f"unnest({casts}) WITH ORDINALITY AS {alias} ({names}, position)"
