"""What other slices read of backtests by joining with them."""

from __future__ import annotations

from coop_review_api.backtest.table import backtests
from coop_review_api.kernel.relation import Relation

BACKTESTS = Relation(
    backtests,
    "backtest_id",
    "retroaction_id",
    "org_id",
    "rule_id",
    "rule",
    "start_time",
    "end_time",
    "data_from",
    "acts",
    "state",
    "progress",
    "scanned",
    "passed",
    "unknown",
    "created_by",
    "created_at",
    "updated_at",
)
"""Backtests; those of a retroaction have its id."""
