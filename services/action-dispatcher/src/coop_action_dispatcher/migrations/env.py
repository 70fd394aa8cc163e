"""Runs the migrations on the connection that `coop_runtime.migration` opened."""

from coop_action_dispatcher.table import metadata
from coop_runtime.migration import run_migrations

run_migrations(metadata)
