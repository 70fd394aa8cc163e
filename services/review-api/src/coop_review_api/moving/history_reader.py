"""Reads what was decided and said in Coop, page by page, out of one snapshot of its PostgreSQL.

Guarantees: read-only; no more than a page is held; an older Coop, without a column that came later,
is read all the same.
Must not: read another organisation's rows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from psycopg import AsyncConnection, sql
from psycopg.rows import dict_row

from coop_review_api.moving.coop_table import DECISIONS
from coop_review_api.moving.reader import opened
from coop_review_api.moving.source import Row

PAGE: Final = 200
BEGIN: Final = datetime(2023, 10, 1, tzinfo=UTC)
"""Decisions that are older Coop does not read itself."""

_LATER: Final = ("related_actions", "decision_reason")
_DECISIONS: Final = """
    SELECT id::text AS id, job_payload, queue_id, reviewer_id, decision_components, created_at,
           {later}
      FROM manual_review_tool.manual_review_decisions
     WHERE org_id = %(org)s AND created_at >= %(since)s ORDER BY created_at, id
"""
_OLDER: Final = """
    SELECT count(*) AS count FROM manual_review_tool.manual_review_decisions
     WHERE org_id = %(org)s AND created_at < %(since)s
"""
_COMMENTS: Final = """
    SELECT id::text AS id, job_id::text AS job_id, author_id, comment_text, created_at
      FROM manual_review_tool.job_comments WHERE org_id = %(org)s ORDER BY created_at, id
"""
_DECIDED: Final = """
    SELECT id::text AS id FROM manual_review_tool.manual_review_decisions
     WHERE org_id = %(org)s AND id = ANY(%(ids)s::uuid[])
"""


class HistoryReader:
    """One organisation's history. Raises `SourceError` and what psycopg raises."""

    def __init__(self, dsn: str, org_id: str, *, since: datetime = BEGIN) -> None:
        self._dsn = dsn
        self._asked = {"org": org_id, "since": max(since, BEGIN)}

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[HistorySnapshot]:
        """As it is now."""
        async with opened(self._dsn) as connection:
            yield HistorySnapshot(connection, self._asked)

    async def decided(self, guids: Sequence[str]) -> set[str]:
        """Those of the jobs that were decided until now."""
        async with opened(self._dsn) as connection:
            found = await connection.execute(_DECIDED, {**self._asked, "ids": list(guids)})
            return {row["id"] for row in await found.fetchall()}


class HistorySnapshot:
    """What there was in one moment."""

    def __init__(self, connection: AsyncConnection[Row], asked: dict[str, object]) -> None:
        self._connection = connection
        self._asked = asked

    async def older(self) -> int:
        """How many decisions are too old to be read."""
        found = await (await self._connection.execute(_OLDER, self._asked)).fetchone()
        return int(found["count"]) if found else 0

    async def decisions(self) -> AsyncIterator[Sequence[Row]]:
        """The oldest first."""
        found = await self._connection.execute(
            "SELECT attname::text AS name FROM pg_attribute WHERE attrelid = %s::regclass",
            [DECISIONS],
        )
        there = {row["name"] for row in await found.fetchall()}
        later = sql.SQL(", ").join(
            sql.Identifier(name)
            if name in there
            else sql.SQL("NULL AS {}").format(sql.Identifier(name))
            for name in _LATER
        )
        async for page in self._pages("decisions", sql.SQL(_DECISIONS).format(later=later)):
            yield page

    def comments(self) -> AsyncIterator[Sequence[Row]]:
        """The oldest first."""
        return self._pages("comments", sql.SQL(_COMMENTS))

    async def _pages(
        self, name: str, query: sql.SQL | sql.Composed
    ) -> AsyncIterator[Sequence[Row]]:
        async with self._connection.cursor(name, row_factory=dict_row) as cursor:
            await cursor.execute(query, self._asked)
            while rows := await cursor.fetchmany(PAGE):
                yield rows
