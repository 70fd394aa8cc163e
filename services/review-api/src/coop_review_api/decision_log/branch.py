"""What a part of the decision log is: a SELECT with the same columns as every other part.

Guarantees: each is ordered and limited by itself, so that the whole reads no more than one page of
each part; a column that a part does not have is empty there, of its type; every value that somebody
sent is a bound parameter. What an index is chosen by (the states that it is made for) is written
out instead: to the planner a parameter is no promise.
Must not: hold a condition that another module decides: what a reader may see is in the scope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Select,
    Text,
    any_,
    cast,
    false,
    literal,
    literal_column,
    null,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import TypeEngine

from coop_contracts.event import ItemRef
from coop_queues.reading import item_key
from coop_review_api.decision_log.meaning import Meant
from coop_review_api.review.visibility import ReaderScope

_TIME: Final = DateTime(timezone=True)
TEXTS: Final = ARRAY(Text)

COLUMNS: Final[Mapping[str, TypeEngine[Any]]] = {
    "id": Text(),
    "kind": Text(),
    "source": Text(),
    "time": _TIME,
    "actor_id": Text(),
    "queue_id": Text(),
    "job_id": Text(),
    "item_type_id": Text(),
    "item_id": Text(),
    "components": JSONB(),
    "executions": JSONB(),
    "rule_ids": TEXTS,
    "reason": Text(),
    "note": Text(),
    "undone_at": _TIME,
    "leaves_at": _TIME,
    "moved_to": Text(),
    "appeal_of": Text(),
    "state": Text(),
    "total": Integer(),
    "requested": Integer(),
    "csam": Boolean(),
}
"""Of every part, in this order, with their types."""

_EMPTY: Final[Mapping[str, ColumnElement[Any]]] = {
    "components": literal_column("CAST('[]' AS jsonb)", JSONB),
    "executions": literal_column("CAST('[]' AS jsonb)", JSONB),
    "rule_ids": literal_column("CAST('{}' AS text[])", TEXTS),
}
"""What a part has where it has nothing: no list is null. Anything else is."""

Condition = ColumnElement[bool]
Position = tuple[datetime, str]
"""Time and id of an entry."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What a part answers a question with: `columns` are those of `COLUMNS` that it has."""

    source: FromClause
    org_id: ColumnElement[str]
    columns: Mapping[str, ColumnElement[Any]]
    where: Sequence[Condition]


@dataclass(frozen=True, kw_only=True)
class Branch:
    """One part of the log."""

    can_answer: Callable[[Meant], bool]
    rows: Callable[[Meant, ReaderScope], Rows]

    def entries(
        self, question: Meant, scope: ReaderScope, *, after: Position | None, limit: int
    ) -> Select[Any]:
        """Up to `limit` entries, newest first, from the one after that position."""
        rows = self.rows(question, scope)
        time, entry_id = rows.columns["time"], rows.columns["id"]
        where = [rows.org_id == scope.org_id, *rows.where]
        if question.since is not None:
            where.append(time >= question.since)
        if question.until is not None:
            where.append(time < question.until)
        if after is not None:
            # The first condition is implied, and one that an index can begin at.
            where += [time <= after[0], tuple_(time, entry_id) < tuple_(*map(literal, after))]
        shown = (
            rows.columns.get(name, _EMPTY.get(name, cast(null(), type_))).label(name)
            for name, type_ in COLUMNS.items()
        )
        return (
            select(*shown)
            .select_from(rows.source)
            .where(*where)
            .order_by(time.desc(), entry_id.desc())
            .limit(limit)
        )


def said(value: str) -> ColumnElement[str]:
    """A constant of ours, written out."""
    return literal_column(f"'{value}'", Text)


def one_of(column: ColumnElement[Any], values: Sequence[str]) -> Condition:
    """Whether the column has one of these values."""
    return column == any_(literal(list(values), TEXTS))


def overlaps(column: ColumnElement[Any], values: Sequence[str]) -> Condition:
    """Whether one of these values is among the column's own."""
    return column.op("&&", is_comparison=True)(literal(list(values), TEXTS))


def has_one(column: ColumnElement[Any], members: Sequence[dict[str, Any]]) -> Condition:
    """Whether one of a list's entries has all members of one of these."""
    return or_(false(), *(column.contains([one]) for one in members))


def key_of(item: ItemRef) -> str:
    """The key by which an item's rows are found."""
    return item_key(item.type_id, item.id)
