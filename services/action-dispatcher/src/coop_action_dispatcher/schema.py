"""Schema `dispatch`: its name, its outbox, and what alembic compares.

The other tables are written down in the migrations and used by the statements.
Must not: be read by any other service; how a delivery ended is on the topic of action results.
"""

from __future__ import annotations

from sqlalchemy import MetaData

from coop_runtime.database.outbox import outbox_table

SCHEMA = "dispatch"

metadata = MetaData()

outbox = outbox_table(metadata, SCHEMA)
