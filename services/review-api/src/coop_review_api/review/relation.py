"""What other slices read of decisions by joining with them."""

from __future__ import annotations

from coop_review_api.kernel.relation import Relation
from coop_review_api.review.table import decisions, held_decisions, withheld_actions

DECISIONS = Relation(
    decisions,
    "decision_id",
    "org_id",
    "job_id",
    "queue_id",
    "item_type_id",
    "item_id",
    "reviewer_id",
    "components",
    "reason",
    "note",
    "executions",
    "appeal_of",
    "escalation",
    "moved_to",
    "config_revision",
    "claimed_at",
    "decided_at",
    "leaves_at",
    "undone_at",
    "undone_by",
    "came_from",
)
"""Each decision as it was recorded (`recorded.Recorded`)."""

HELD = Relation(held_decisions, "decision_id", "org_id", "leaves_at")
"""Decisions that can still be undone."""

WITHHELD = Relation(withheld_actions, "decision_id", "org_id", "leaves_at")
"""Decisions whose actions wait for evidence."""
