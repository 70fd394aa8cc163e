"""Whether the database is there and its schema is the one this code was written for.

Must not: migrate.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.kernel.schema import SCHEMA
from coop_runtime.database.engine import transaction
from coop_runtime.database.migration import VERSION_TABLE

_TIMEOUT = 0.9  # seconds; the readiness check has one


@cache
def newest_revision() -> str:
    """The newest migration of this code: revisions are named so that they sort."""
    versions = resources.files("coop_review_api").joinpath("migrations", "versions")
    names = [entry.name for entry in versions.iterdir() if entry.name.endswith(".py")]
    return max(names).partition("_")[0]


async def database_ready(engine: AsyncEngine) -> bool:
    """True when the schema is at this code's revision or, while a newer one rolls out, after it."""
    async with transaction(engine, within=_TIMEOUT) as connection:
        found = await connection.scalar(
            text(f"SELECT version_num FROM {SCHEMA}.{VERSION_TABLE}")  # noqa: S608 - constants
        )
    return found is not None and str(found) >= newest_revision()
