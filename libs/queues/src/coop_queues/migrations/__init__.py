"""The revisions of the schema `queues`; routing's role `migrate` runs them."""

from __future__ import annotations

from coop_queues.table import SCHEMA
from coop_runtime.database.migration import migrate


def run(url: str) -> None:
    """Brings the schema to the newest revision. `url` is that of the role coop_queues."""
    migrate(url, script_location="coop_queues:migrations", schema=SCHEMA)
