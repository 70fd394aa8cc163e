"""Run by alembic: the revisions apply to the metadata of `process.tables`."""

from coop_review_api.process.tables import metadata
from coop_runtime.database.migration import run_migrations

run_migrations(metadata)
