"""Which tables of the projection are partitioned, and by what.

Must not: make or drop partitions; `kernel.partition` does.
"""

from __future__ import annotations

from coop_review_api.kernel.partition import DAY, HOUR, Partitioned, Partitions
from coop_review_api.projection.table import DAILY, counted_evaluations, recent_submissions

__all__ = ["COUNTED", "DAY", "HOUR", "KEPT", "RECENT", "Partitioned", "Partitions"]

RECENT = Partitioned(recent_submissions, HOUR)
COUNTED = Partitioned(counted_evaluations, DAY)
KEPT = {table.name: Partitioned(table, DAY) for table in DAILY}
