"""What alembic runs; `coop_runtime.migration.migrate` opens the connection."""

from coop_queues.table import metadata
from coop_runtime.migration import run_migrations

run_migrations(metadata)
