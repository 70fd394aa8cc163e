"""Run by alembic: the revisions apply to the metadata of `coop_review_api.schema`."""

from coop_review_api.schema import metadata
from coop_runtime.migration import run_migrations

run_migrations(metadata)
