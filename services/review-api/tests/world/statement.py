"""How many statements something costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


class Statements:
    """As many as were made while it counted."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Statements) and len(self.texts) == len(other.texts)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{len(self.texts)} statements"


@contextmanager
def counted(engine: AsyncEngine) -> Iterator[Statements]:
    """Counts what this engine is asked meanwhile."""
    found = Statements()

    def seen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.texts.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", seen)
    try:
        yield found
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", seen)
