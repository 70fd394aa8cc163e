"""The tables of schema `dispatch`: their shape for SQLAlchemy and for alembic's comparison.

Must not: be read by any other service; how a delivery ended is on the topic of action results.
"""

from __future__ import annotations

from sqlalchemy import MetaData

from coop_runtime.database.outbox import outbox_table

SCHEMA = "dispatch"

metadata = MetaData()

outbox = outbox_table(metadata, SCHEMA)
