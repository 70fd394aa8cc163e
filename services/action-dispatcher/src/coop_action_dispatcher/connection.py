"""The dispatcher's connections to PostgreSQL, as each of them has to be.

Must not: hold an engine.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


def prepare(engine: AsyncEngine) -> None:
    """Readies each connection: it goes by indexes.

    Every statement on deliveries has its index. Tables grow from nothing to millions of rows within
    minutes, and a plan that read them whole would be kept by a prepared statement.
    """

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("SET enable_seqscan = off")
        cursor.close()
        connection.commit()
