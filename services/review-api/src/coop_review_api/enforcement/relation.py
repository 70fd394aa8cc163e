"""What other slices read of bulk actions by joining with them."""

from __future__ import annotations

from coop_review_api.enforcement.table import bulk_items, bulk_jobs
from coop_review_api.kernel.relation import Relation

BULK_JOBS = Relation(
    bulk_jobs,
    "bulk_id",
    "org_id",
    "kind",
    "state",
    "order",
    "total",
    "requested",
    "refused",
    "created_by",
    "confirmed_by",
    "created_at",
    "started_at",
    "finished_at",
)
"""Bulk actions and reversals; one that was not confirmed has no `started_at`."""

BULK_ITEMS = Relation(
    bulk_items, "bulk_id", "identity", "item_type_id", "item_id", "reverses", "state"
)
"""What each of them was to be done to; `identity` is the item, or of a reversal the execution."""
