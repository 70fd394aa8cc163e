"""What alembic runs; `coop_runtime.database.migration.migrate` opens the connection."""

from coop_queues.table import metadata
from coop_runtime.database.migration import run_migrations

run_migrations(metadata)
