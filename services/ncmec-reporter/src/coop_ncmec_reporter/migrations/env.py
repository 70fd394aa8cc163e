"""Runs the migrations on the connection that `coop_runtime.database.migration` opened."""

from coop_ncmec_reporter.schema import metadata
from coop_runtime.database.migration import run_migrations

run_migrations(metadata)
