"""Schema `hashes`: its name, and what alembic compares. The tables are written down in the
migrations and used by the statements.

Must not: be read by any other service.
"""

from __future__ import annotations

from sqlalchemy import MetaData

SCHEMA = "hashes"

metadata = MetaData()
