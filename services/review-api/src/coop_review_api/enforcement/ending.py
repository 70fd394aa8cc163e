"""When a bulk action is forgotten, its items with it: one that ended, and one that nobody ever
confirmed."""

from __future__ import annotations

from typing import Final

from coop_review_api.enforcement.table import bulk_jobs
from coop_review_api.kernel.ending import RECORD_DAYS, Ending

ENDINGS: Final = (
    Ending(
        table=bulk_jobs,
        column=bulk_jobs.c.created_at,
        kept=RECORD_DAYS,
        only=bulk_jobs.c.state.not_in(("RUNNING", "PAUSED")),
    ),
)
