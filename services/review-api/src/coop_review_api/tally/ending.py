"""When numbers are forgotten: once no window of a year, nor the one before it, reaches them."""

from __future__ import annotations

from typing import Final

from coop_review_api.kernel.ending import Ending
from coop_review_api.tally.keeper import KEPT
from coop_review_api.tally.table import open_job_times, open_jobs

ENDINGS: Final = (
    Ending(table=open_jobs, column=open_jobs.c.time, kept=KEPT),
    Ending(table=open_job_times, column=open_job_times.c.time, kept=KEPT),
)
