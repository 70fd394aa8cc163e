"""The dispatcher's metrics, all of them.

Must not: be labelled by organisation, action or endpoint: label values are a closed set.
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from coop_runtime.process.level import Level

REQUESTED = Counter("coop_deliveries_requested_total", "Deliveries taken on, repeats left out.")
REPEATED = Counter(
    "coop_deliveries_repeated_total", "Requests for a delivery that was taken on before."
)
DELIVERED = Counter("coop_deliveries_delivered_total", "Deliveries the platform answered with 2xx.")
DEAD = Counter("coop_deliveries_dead_total", "Deliveries given up.")
UNADDRESSED = Counter(
    "coop_callbacks_unaddressed_total",
    "Callbacks recorded and not sent, because the organisation names no URL for them.",
)
ATTEMPTS = Counter(
    "coop_delivery_attempts_total",
    "Webhooks sent, by what came of it: 2xx, 3xx, 4xx, 5xx, other (a status outside those), "
    "timeout, refused (by the egress guard), error (no answer).",
    ["outcome"],
)
ATTEMPT_SECONDS = Histogram(
    "coop_delivery_attempt_seconds",
    "Time from sending a webhook to the end of the answer.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20),
)
LATENCY = Histogram(
    "coop_delivery_seconds",
    "Time from the request of an action to the platform's 2xx, retries included.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 1800, 7200, 36000, 180000, 360000),
)
HELD = Counter(
    "coop_deliveries_held_total",
    "Times a delivery could not be sent for a cause on our side: signing (no usable keys; an "
    "alarm), headers (not decryptable; an alarm), configuration (not here yet).",
    ["cause"],
)
PENDING = Level(
    "coop_deliveries_pending",
    "Deliveries not yet at an end.",
    measured=True,
    gone="counted anew every few seconds",
)
OLDEST = Level(
    "coop_deliveries_oldest_pending_seconds",
    "Age of the oldest pending delivery.",
    measured=True,
    gone="0 when nothing is pending",
)
UNDER_WAY = Level(
    "coop_deliveries_under_way",
    "Deliveries this process is sending now.",
    together="sum",
    gone="a delivery is taken off when its result is written",
)
RECLAIMED = Counter(
    "coop_delivery_leases_reclaimed_total", "Leases taken from processes that died or forgot them."
)
LOST_LEASES = Counter(
    "coop_delivery_leases_lost_total",
    "Results thrown away because another process had taken the lease over.",
)
STORE_RETRIES = Counter(
    "coop_delivery_store_retries_total", "Times the database could not be reached.", ["task"]
)
STRIKES = Counter(
    "coop_strikes_total",
    "Strikes by what became of them: given, raised or lowered (another execution of the cause "
    "weighs more, or was taken back), taken_back, expired.",
    ["change"],
)
CROSSINGS = Counter("coop_strike_crossings_total", "Times users newly reached a strike threshold.")
STRIKES_UNPUBLISHED = Level(
    "coop_strikes_unpublished",
    "1 while Redis does not know all strikes, so that rules do not.",
    measured=True,
    gone="1 while Redis does not answer",
)
STRIKE_PUBLICATIONS = Counter(
    "coop_strike_publications_total", "Users whose strikes were written to Redis."
)
STRIKE_REBUILDS = Counter(
    "coop_strike_rebuilds_total", "Times all strikes were written to Redis anew."
)
PASS_SECONDS = Histogram(
    "coop_delivery_pass_seconds",
    "Time of a scheduling pass: finding what is due and leasing it.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
LATE = Level(
    "coop_deliveries_late_seconds",
    "By how much the most overdue delivery is, those left out whose endpoint is open or paused.",
    measured=True,
    gone="0 when nothing is due",
)
ENDPOINTS_OPEN = Level(
    "coop_endpoints_open",
    "Endpoints whose circuit breaker is open or half open.",
    measured=True,
    gone="an endpoint that is well again, or gone, is taken off within a second",
)
ENDPOINTS_PAUSED = Level(
    "coop_endpoints_paused",
    "Endpoints that are paused.",
    measured=True,
    gone="as `coop_endpoints_open`",
)
BREAKERS_OPENED = Counter(
    "coop_endpoint_breakers_opened_total", "Times this process opened a circuit breaker."
)
ENDPOINT_PAUSES = Counter(
    "coop_endpoint_pauses_total",
    "Endpoints paused by this process: gone (it answered 410), failing (no success for days).",
    ["cause"],
)
PRUNED = Counter("coop_deliveries_pruned_total", "Ended deliveries deleted after their time.")
