"""The history's connections to PostgreSQL, as each of them has to be.

Must not: hold an engine.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_runtime.database.array import register


def prepare(engine: AsyncEngine) -> None:
    """Makes each connection take `array`'s arrays."""

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        register(connection.driver_connection.adapters)
