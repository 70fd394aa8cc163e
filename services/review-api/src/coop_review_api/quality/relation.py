"""What other slices read of second reviews by joining with them."""

from __future__ import annotations

from coop_review_api.kernel.relation import Relation
from coop_review_api.quality.table import second_reviews

SECOND_REVIEWS = Relation(second_reviews, "org_id", "job_id", "state", "lease_holder")
"""Whose hands a job is in for a second, blind decision."""
