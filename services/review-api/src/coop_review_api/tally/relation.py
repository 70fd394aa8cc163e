"""What other slices read of open jobs by joining with them; tallies are asked by `reader`."""

from __future__ import annotations

from coop_review_api.kernel.relation import Relation
from coop_review_api.tally import table

OPEN_JOBS = Relation(table.open_jobs, "org_id", "time", "queue_id", "grave", "units")
OPEN_JOB_TIMES = Relation(table.open_job_times, "time")
