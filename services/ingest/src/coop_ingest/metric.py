"""ingest's metrics, all of them.

Must not: be labelled by organisation, key or path: label values are a closed set.
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from coop_runtime.process.level import Level
from coop_runtime.process.tally import TallyCounter, TallyHistogram

ACCEPTED = TallyCounter(
    "coop_ingest_accepted_total",
    "Submissions acknowledged by the broker, by kind: item, report, appeal, action.",
    ["kind"],
)
REFUSED = Counter(
    "coop_ingest_refused_total",
    "Requests refused, by reason: authentication, authorization (the key lacks the scope), rate "
    "(over the limit), size (of a body, an item, a batch, an event), media_type, json (cannot be "
    "read), invalid (anything else about the content), conflict (Idempotency-Key, appeals off), "
    "unavailable (see coop_ingest_unavailable_total), not_found, method, internal (a fault of "
    "ingest; an alarm), crowded (too many items or requests wait for their rules), slow (a body "
    "was cut off).",
    ["reason"],
)
REFUSED_ITEMS = Counter(
    "coop_ingest_refused_items_total", "Items left out of a batch sent with partial=true."
)
UNAVAILABLE = Counter(
    "coop_ingest_unavailable_total",
    "Answers 503, by what was missing: broker (no acknowledgement in time), configuration (not "
    "read yet), memory (too many bytes in flight), lookup (review-api's look-ups do not answer).",
    ["cause"],
)
ACK_SECONDS = TallyHistogram(
    "coop_ingest_ack_seconds",
    "Time from handing a request's events to the broker's client to their acknowledgement.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3),
)
SYNC = Counter(
    "coop_ingest_sync_total",
    "Requests that waited for their rules, by outcome: whole (all rules decided), partly (some "
    "wait for media or a model), late (503: no answer in time; the item is kept).",
    ["outcome"],
)
SYNC_SECONDS = Histogram(
    "coop_ingest_sync_seconds",
    "Time from an item's acknowledgement to what its rules said.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
)
BODY_BYTES = TallyCounter("coop_ingest_body_bytes_total", "Bytes of request bodies read.")
BYTES_IN_FLIGHT = Level(
    "coop_ingest_bytes_in_flight",
    "Bytes of request bodies being held, as sent.",
    together="sum",
    gone="a request that ended is taken off, however it ended",
)
GONE = Counter(
    "coop_ingest_clients_gone_total", "Requests whose body was cut off: nothing was published."
)
RATE_LEASES = Counter(
    "coop_ingest_rate_leases_total",
    "Leases of request tokens, by where they came from: redis, local (Redis is away; each process "
    "then limits by itself).",
    ["source"],
)
IDEMPOTENCY = Counter(
    "coop_ingest_idempotency_total",
    "Requests with an Idempotency-Key: new, repeated (answered as before), other_body, running, "
    "unchecked (Redis is away; the submission ids repeat all the same).",
    ["outcome"],
)
