"""The revisions of the schema `dispatch`, in order; the command `migrate` runs them."""

from __future__ import annotations

from coop_action_dispatcher.schema import SCHEMA
from coop_runtime.database.migration import migrate


def run(url: str) -> None:
    """Brings the schema to the newest revision. `url` is that of the role coop_dispatch."""
    migrate(url, script_location="coop_action_dispatcher:migrations", schema=SCHEMA)
