"""The bound values of a statement that is written as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec


class Parameters:
    """Bound values by their names. A further value gets the name of the column that it is compared
    with."""

    def __init__(self, **values: Any) -> None:
        self.values: dict[str, Any] = values

    def any_of(self, column: str, values: Sequence[str]) -> str:
        """The condition that a text column has one of the values."""
        return f"{column} = ANY(CAST({self._add(column, list(values))} AS text[]))"

    def overlap(self, column: str, values: Sequence[str]) -> str:
        """The condition that a column of texts has one of the values among its own."""
        return f"{column} && CAST({self._add(column, list(values))} AS text[])"

    def contains(self, column: str, component: Any) -> str:
        """The condition that one of a jsonb list's entries has these members."""
        encoded = msgspec.json.encode([component]).decode()
        return f"{column} @> CAST({self._add(column, encoded)} AS jsonb)"

    def _add(self, column: str, value: Any) -> str:
        name = base = column.replace(".", "_")
        number = 1
        while name in self.values:
            number += 1
            name = f"{base}_{number}"
        self.values[name] = value
        return f":{name}"
