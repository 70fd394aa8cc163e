"""What other slices read of the history by joining with it."""

from __future__ import annotations

from coop_review_api.history.table import item_versions
from coop_review_api.kernel.relation import Relation

VERSIONS = Relation(
    item_versions, "org_id", "type_id", "item_id", "time", "submission_id", "source"
)
"""Every submission of an item, within the organisation's retention."""
