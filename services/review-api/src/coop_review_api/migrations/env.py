"""Run by alembic: the revisions apply to the metadata of `coop_review_api.schema`."""

import coop_review_api.backtest.table
import coop_review_api.notification.table
import coop_review_api.projection.table  # noqa: F401 - adds its tables to the metadata
from coop_review_api.schema import metadata
from coop_runtime.migration import run_migrations

run_migrations(metadata)
