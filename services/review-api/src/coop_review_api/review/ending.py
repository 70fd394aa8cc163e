"""When a draft that nobody sent is forgotten, and what became of each job of a batch."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from coop_review_api.kernel.ending import Ending
from coop_review_api.review.table import batch_decisions, job_drafts

BATCH_DAYS: Final = timedelta(days=30)
"""The decisions of a batch are kept as all are."""

ENDINGS: Final = (
    Ending(table=job_drafts, column=job_drafts.c.expires_at, kept=timedelta(0)),
    Ending(table=batch_decisions, column=batch_decisions.c.made_at, kept=BATCH_DAYS),
)
