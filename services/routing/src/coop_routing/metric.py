"""Routing's metrics, all of them; the queue store adds its own (`coop_queues.metric`).

Must not: be labelled by organisation, queue or rule: label values are a closed set.
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from coop_runtime.process.level import Level

ROUTED = Counter(
    "coop_routing_routed_total",
    "Entries placed, by source (REPORT, APPEAL, …) and why their queue: RULE, DEFAULT, SENDER, "
    "SETTING, or PARKED for want of any.",
    ["source", "how"],
)
CREATED = Counter("coop_routing_jobs_created_total", "Entries that became a new job.")
MERGED = Counter("coop_routing_jobs_merged_total", "Entries that joined a pending job.")
REPEATED = Counter(
    "coop_routing_repeats_total", "Entries that had been placed before, so without effect."
)
CSAM = Counter("coop_routing_csam_total", "Reports of child sexual abuse material placed.")
SECONDS = Histogram(
    "coop_routing_seconds",
    "Time from the acceptance of a report, appeal or request to its job being committed.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3600),
)
WAITED = Counter(
    "coop_routing_waited_total",
    "Entries that waited for values from outside, because their queue depends on them.",
)
MEDIA_AWAITED = Counter(
    "coop_routing_media_awaited_total",
    "Entries that waited for hashes of their media: came, or missing (at the deadline, or because "
    "nobody hashes them).",
    ["outcome"],
)
UNDECIDED = Counter(
    "coop_routing_undecided_total",
    "Entries of which a rule could not be decided: its values did not come, or it no longer fits.",
)
LEFT_OUT = Counter(
    "coop_routing_rules_left_out_total",
    "Rules left out of a route table because the compiler failed on them: a bug, an alarm.",
)
TABLES = Counter("coop_routing_tables_compiled_total", "Route tables compiled from configuration.")
PARKED = Level(
    "coop_routing_parked_jobs",
    "Jobs that wait for their organisation to have a queue.",
    measured=True,
    gone="a job that was moved or closed is taken off at the next look",
)
UNPARKED = Counter("coop_routing_unparked_total", "Parked jobs that got their queue.")
