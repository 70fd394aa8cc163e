"""Words that people wrote, as PostgreSQL's full text search has them.

Guarantees: the expression is the same for an index and for a question, and holds whose words they
are: of an index of all organisations a question reads the entries of one.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Text, cast, func, literal, literal_column
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR, array

_SIMPLE: Final[ColumnElement[Any]] = literal_column("'simple'::regconfig")
_ORG: Final[ColumnElement[str]] = literal_column("'org:'", Text)
_BLANK: Final[ColumnElement[str]] = literal_column("' '", Text)
_NONE: Final[ColumnElement[str]] = literal_column("''", Text)


def joined(*texts: ColumnElement[Any]) -> ColumnElement[str]:
    """Texts of a row, one after the other; one that is not there is nothing."""
    whole: ColumnElement[str] = func.coalesce(texts[0], _NONE)
    for text in texts[1:]:
        whole = whole.op("||", return_type=Text())(_BLANK).op("||", return_type=Text())(
            func.coalesce(text, _NONE)
        )
    return whole


def vector_of(text: ColumnElement[Any], org_id: ColumnElement[str]) -> ColumnElement[Any]:
    """What an index has of a text of an organisation's row."""
    owner = func.array_to_tsvector(array([_ORG.op("||", return_type=Text())(org_id)]))
    return func.to_tsvector(_SIMPLE, text).op("||", return_type=TSVECTOR())(owner)


def has(
    text: ColumnElement[Any], org_id: ColumnElement[str], *, of: str, words: str
) -> ColumnElement[bool]:
    """Whether a text of the organisation `of` has these words, as web searches are written; what
    has no words in it is nowhere. By an index of `vector_of`."""
    wanted = func.websearch_to_tsquery(_SIMPLE, words)
    owner = cast(func.quote_literal(literal(f"org:{of}")), TSQUERY)
    found = vector_of(text, org_id).op("@@", is_comparison=True)(owner.op("&&")(wanted))
    return (func.numnode(wanted) > 0) & found


def named(text: ColumnElement[Any], *, words: str) -> ColumnElement[bool]:
    """The same of a text that no index has, a name for example."""
    vector = func.to_tsvector(_SIMPLE, text)
    return vector.op("@@", is_comparison=True)(func.websearch_to_tsquery(_SIMPLE, words))
