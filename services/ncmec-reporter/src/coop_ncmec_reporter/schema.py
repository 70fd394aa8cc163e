"""Schema `ncmec`: its name, and what alembic compares. The tables are written down in the
migrations and used by the statements; the outbox is declared here.

Must not: be read by any other service.
"""

from __future__ import annotations

from sqlalchemy import MetaData

from coop_runtime.database.outbox import outbox_table

SCHEMA = "ncmec"

metadata = MetaData()
OUTBOX = outbox_table(metadata, SCHEMA)
