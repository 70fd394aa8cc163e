"""All tables of the schema `review`: each slice's own, in one metadata.

Must not: be imported by a slice; migrations and their test do.
"""

from __future__ import annotations

import coop_review_api.audit.table
import coop_review_api.automation.table
import coop_review_api.backtest.table
import coop_review_api.comment.table
import coop_review_api.configuration.table
import coop_review_api.directory.table
import coop_review_api.enforcement.table
import coop_review_api.erasure.table
import coop_review_api.export.table
import coop_review_api.history.table
import coop_review_api.media.table
import coop_review_api.note.table
import coop_review_api.notification.table
import coop_review_api.people.table
import coop_review_api.projection.table
import coop_review_api.quality.table
import coop_review_api.queue.table
import coop_review_api.review.table
import coop_review_api.rule_proposal.table
import coop_review_api.saved_view.table
import coop_review_api.single_sign_on.table
import coop_review_api.tally.table  # noqa: F401 - adds its tables to the metadata
from coop_review_api.kernel.schema import metadata

__all__ = ["metadata"]
