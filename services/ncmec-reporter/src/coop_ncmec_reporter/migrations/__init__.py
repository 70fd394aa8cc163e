"""The revisions of the schema `ncmec`, in order; the command `migrate` runs them."""

from __future__ import annotations

from coop_ncmec_reporter.schema import SCHEMA
from coop_runtime.database.migration import migrate


def run(url: str) -> None:
    """Brings the schema to the newest revision. `url` is that of the schema's owner."""
    migrate(url, script_location="coop_ncmec_reporter:migrations", schema=SCHEMA)
