"""What other slices read of exports by joining with them."""

from __future__ import annotations

from coop_review_api.export.table import log_exports
from coop_review_api.kernel.relation import Relation

LOG_EXPORTS = Relation(
    log_exports, "export_id", "created_by", "state", "rows", "created_at", "finished_at"
)
"""Files of the decision log."""
