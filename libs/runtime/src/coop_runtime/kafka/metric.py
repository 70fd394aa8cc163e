"""The metrics of the broker clients, each with its meaning.

Must not: carry a label whose values the outside world chooses (keys, ids, error texts).
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from coop_runtime.process.level import Level
from coop_runtime.process.tally import TallyCounter, TallyHistogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

PRODUCER_QUEUE = Level(
    "coop_producer_queue_messages",
    "Messages sent to the client, not acknowledged yet.",
    ["client"],
    together="sum",
    gone="0 once all are acknowledged or given up",
)
PRODUCER_ACKNOWLEDGED = TallyCounter(
    "coop_producer_acknowledged_total", "Messages acknowledged by the broker.", ["client"]
)
PRODUCER_FAILED = Counter(
    "coop_producer_failed_total",
    "Messages that were refused or not acknowledged in time.",
    ["client", "reason"],
)
PRODUCER_ACK_SECONDS = TallyHistogram(
    "coop_producer_ack_seconds",
    "Time from sending a group of messages to the acknowledgement of all of them.",
    ["client"],
    buckets=_SECONDS,
)

CONSUMER_LAG = Level(
    "coop_consumer_lag_messages",
    "Records on the log that are not settled yet.",
    ["group", "topic", "partition"],
    measured=True,
    together="sum",
    gone="a partition is said by who holds it, and by nobody while nobody does; what retention "
    "deleted is not counted; while the broker does not answer the last figure stays",
)
CONSUMER_ASSIGNED = Level(
    "coop_consumer_assigned_partitions",
    "Partitions this process holds.",
    ["group"],
    measured=True,
    together="sum",
    gone="0 once the group was left",
)
CONSUMER_BATCHES = Counter(
    "coop_consumer_batches_total", "Batches given to the handler.", ["group"]
)
CONSUMER_BATCH_SECONDS = Histogram(
    "coop_consumer_batch_seconds",
    "Time from giving a batch to the handler to its settlement.",
    ["group"],
    buckets=_SECONDS,
)
CONSUMER_RECORDS = Counter("coop_consumer_records_total", "Records settled.", ["group"])
CONSUMER_RETRIES = Counter(
    "coop_consumer_retries_total",
    "Batches or records handled again: `outage` a dependency was down, `error` the handler failed.",
    ["group", "cause"],
)
CONSUMER_DEAD_LETTERS = Counter(
    "coop_consumer_dead_letters_total",
    "Records put on the dead-letter topic: `undecodable`, `poison` or `error`.",
    ["group", "reason"],
)
CONSUMER_WAITING = Level(
    "coop_consumer_waiting_records",
    "Records of organisations beyond their share of the processor, in their lines. "
    "Part of the lag; 0 from the start.",
    ["group"],
    together="sum",
    gone="what was handled, or is another's, is taken off",
)
CONSUMER_LINES = Level(
    "coop_consumer_lines",
    "Organisations that have a line, in this process.",
    ["group"],
    together="each",
    gone="a line that is empty is taken off",
)
CONSUMER_WAITED = Counter(
    "coop_consumer_waited_records_total", "Records handled after they stood in line.", ["group"]
)
CONSUMER_BACKING_OFF = Level(
    "coop_consumer_backing_off",
    "1 while the consumer waits for a dependency.",
    ["group"],
    together="sum",
    gone="0 once the dependency answers, or the partition is another's",
)
CONSUMER_COMMIT_SECONDS = Histogram(
    "coop_consumer_commit_seconds",
    "Time the broker takes for a commit of offsets.",
    ["group"],
    buckets=_SECONDS,
)
CONSUMER_COMMIT_FAILURES = Counter(
    "coop_consumer_commit_failures_total", "Commits refused; the next one repeats them.", ["group"]
)
CONSUMER_ERRORS = Counter(
    "coop_consumer_errors_total", "Errors reported by the broker client.", ["group", "error"]
)

CONFIG_REVISION = Level(
    "coop_config_newest_revision",
    "The newest configuration revision seen, of all organisations.",
    measured=True,
    together="each",
    gone="stays: it is served on",
)
CONFIG_STALE_SECONDS = Level(
    "coop_config_stale_seconds",
    "Time since the config topic was last known to be read to its end.",
    measured=True,
    together="each",
    gone="grows while the broker is away",
)
CONFIG_REJECTED = Counter(
    "coop_config_rejected_total",
    "Configuration records not applied: `undecodable`, `unknown_kind`, `invalid_document`; "
    "`subscriber_error` was applied, but a subscriber failed on it.",
    ["reason"],
)
CONFIG_READY = Level(
    "coop_config_ready",
    "1 once the configuration is whole.",
    measured=True,
    together="each",
    gone="stays 1: what was read is served on",
)
