"""SQL that is put together by what is asked, of which there are few.

Must not: be given a text with values in it; values are bound.
"""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import TextClause, text


@lru_cache(maxsize=512)
def statement_of(sql: str) -> TextClause:
    """The statement; the places of its values are looked for once."""
    return text(sql)
