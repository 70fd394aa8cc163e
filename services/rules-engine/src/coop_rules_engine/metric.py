"""The rules engine's metrics, all of them.

Must not: be labelled by organisation or rule: label values are a closed set.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

EVALUATED = Counter(
    "coop_rules_items_evaluated_total", "Submissions whose result the broker has acknowledged."
)
OUTCOMES = Counter(
    "coop_rules_outcomes_total",
    "Rules that passed, or are unknown because a condition errored, by the rule's status.",
    ["status", "outcome"],
)
REQUESTED = Counter(
    "coop_rules_actions_requested_total",
    "Effects requested by live rules: custom (a webhook) or review (a job).",
    ["kind"],
)
NOT_EXECUTED = Counter(
    "coop_rules_actions_not_executed_total",
    "Actions of matching live rules that were not requested: not_available (of a type that this "
    "version has not) or unknown (the action is gone).",
    ["reason"],
)
EVALUATION_SECONDS = Histogram(
    "coop_rules_evaluation_seconds",
    "Time to evaluate and encode a batch, without waiting for the broker.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1),
)
COMPILE_SECONDS = Histogram(
    "coop_rules_compile_seconds",
    "Time from taking up a configuration change to using it.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
COMPILE_FAILURES = Counter(
    "coop_rules_compile_failures_total",
    "Rules left out because the compiler failed on them: a bug, an alarm.",
)
PROGRAMS = Gauge("coop_rules_programs", "Compiled programs: one for an organisation's item type.")
STALE = Gauge(
    "coop_rules_stale_organisations", "Organisations with a change that is not compiled yet."
)
BROKEN = Gauge(
    "coop_rules_broken_rules",
    "Enabled rules with a condition that no longer fits (its bank or field is gone): unknown.",
)
BEHIND = Counter(
    "coop_rules_configuration_behind_total",
    "Times items were evaluated under an older revision than ingest had, after waiting for it.",
)
