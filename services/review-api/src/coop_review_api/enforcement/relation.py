"""What other slices read of bulk actions by joining with them."""

from __future__ import annotations

from coop_review_api.enforcement.table import bulk_items, bulk_jobs
from coop_review_api.kernel.relation import Relation

BULK_JOBS = Relation.whole(bulk_jobs)
BULK_ITEMS = Relation.whole(bulk_items)
