"""What review-api counts, beside what every service counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

LOGINS = Counter("coop_review_logins_total", "Logins by outcome.", ["outcome"])
CONFIG_CHANGES = Counter(
    "coop_review_config_changes_total", "Configuration documents saved or deleted.", ["kind"]
)
DECISIONS = Counter("coop_review_decisions_total", "Components of decisions made.", ["type"])
LOG_HEADS = Counter("coop_review_log_heads_total", "Log heads put into the outbox.")
REPEATED = Counter(
    "coop_review_config_repeated_total",
    "Documents published again because the config topic lacked them.",
)
RESTATED = Counter(
    "coop_review_config_restated_total",
    "Documents restated because the config topic was ahead of the log.",
)
UNKNOWN_ORGS = Gauge(
    "coop_review_unknown_orgs", "Organisations on the config topic that the log does not know."
)
