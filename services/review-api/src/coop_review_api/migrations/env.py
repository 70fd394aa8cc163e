"""Run by alembic: the revisions apply to the metadata of `coop_review_api.schema`."""

import coop_review_api.account.table
import coop_review_api.automation.table
import coop_review_api.backtest.table
import coop_review_api.comment.table
import coop_review_api.draft.table
import coop_review_api.export.table
import coop_review_api.notification.table
import coop_review_api.projection.table
import coop_review_api.quality.table
import coop_review_api.single_sign_on.table  # noqa: F401 - adds its tables to the metadata
from coop_review_api.schema import metadata
from coop_runtime.migration import run_migrations

run_migrations(metadata)
