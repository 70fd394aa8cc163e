"""The queue store's metrics, in the process that uses it."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from coop_runtime.process.level import Level

CLAIMS = Counter(
    "coop_queue_claims_total",
    "Claims: decided by the order in Redis, by the rows alone, chosen by id, assigned, or nothing.",
    ["way"],
)
CLAIM_SECONDS = Histogram(
    "coop_queue_claim_seconds",
    "Time of one claim, with a job or without.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
OFFERS_REFUSED = Counter(
    "coop_queue_offers_refused_total",
    "Jobs that Redis offered and the row refused; many mean that Redis has drifted.",
)
EXPIRED = Counter(
    "coop_queue_claims_expired_total",
    "Claims whose lease ran out before the reviewer decided, released or skipped.",
)
KEPT = Counter(
    "coop_queue_jobs_kept_total",
    "Jobs that were assigned to somebody, or held while an answer was awaited.",
    ["kept_as"],
)
KEEPINGS_EXPIRED = Counter(
    "coop_queue_keepings_expired_total",
    "Times that a job was kept until its time ran out: nobody took it, or the answer did not come.",
)
FORGOTTEN = Counter(
    "coop_queue_claims_forgotten_total", "Claims deleted because they ended long ago."
)
ORDER_AVAILABLE = Level(
    "coop_queue_order_available",
    "1 while Redis answers; 0 means degraded: the rows alone do, a little slower.",
    measured=True,
    together="each",
    gone="as the last call to Redis found it; a look-over asks each queue now and then",
)
ORDER_ERRORS = Counter("coop_queue_order_errors_total", "Calls that Redis failed.")
ORDER_MISSED = Counter(
    "coop_queue_order_missed_total", "Changes Redis could not be told; repaired from the rows."
)
ORDER_BUILDS = Counter(
    "coop_queue_order_builds_total",
    "Orders filled from the rows: built because Redis had none, or repaired because it differed.",
    ["cause"],
)
RERANKED = Counter(
    "coop_queue_jobs_reranked_total",
    "Pending jobs given their turn anew, mostly after a change of configuration.",
)
OVERDUE = Counter(
    "coop_queue_jobs_overdue_total", "Jobs that passed their deadline and went before all others."
)
