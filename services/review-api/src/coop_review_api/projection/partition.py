"""Which tables of the projection are partitioned, and by what.

Must not: make or drop partitions; `coop_runtime.database.partition` does.
"""

from __future__ import annotations

from coop_review_api.projection.table import DAILY, counted_evaluations, recent_submissions
from coop_runtime.database.partition import DAY, HOUR, Partitioned, Partitions

__all__ = ["COUNTED", "DAY", "HOUR", "KEPT", "RECENT", "Partitioned", "Partitions"]

RECENT = Partitioned(recent_submissions, HOUR)
COUNTED = Partitioned(counted_evaluations, DAY)
KEPT = {table.name: Partitioned(table, DAY) for table in DAILY}
