"""The rules engine's metrics, all of them.

Must not: be labelled by organisation or rule: label values are a closed set.
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from coop_runtime.process.level import Level
from coop_runtime.process.tally import TallyHistogram

EVALUATED = Counter(
    "coop_rules_items_evaluated_total", "Submissions whose result the broker has acknowledged."
)
SECONDS = TallyHistogram(
    "coop_rules_seconds",
    "Time from the acceptance of an item to the acknowledgement of what the fast lane said of it.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)
OUTCOMES = Counter(
    "coop_rules_outcomes_total",
    "Rules that passed, or are unknown because a condition errored, by the rule's status.",
    ["status", "outcome"],
)
REQUESTED = Counter(
    "coop_rules_actions_requested_total",
    "Effects requested by live rules: custom (a webhook), review (a job) or ncmec (such a job).",
    ["kind"],
)
NOT_EXECUTED = Counter(
    "coop_rules_actions_not_executed_total",
    "Actions of matching live rules that were not requested: unknown (the action is gone), "
    "no_author (a review of who made an item that names nobody) or limited (the rule may not act: "
    "its daily limit, its blast radius).",
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
PROGRAMS = Level(
    "coop_rules_programs",
    "Compiled programs: one for an organisation's item type.",
    measured=True,
    together="each",
    gone="those of an organisation whose item types are gone are taken off when that is compiled",
)
STALE = Level(
    "coop_rules_stale_organisations",
    "Organisations with a change that is not compiled yet.",
    measured=True,
    together="each",
    gone="0 once all is compiled",
)
BROKEN = Level(
    "coop_rules_broken_rules",
    "Enabled rules with a condition that no longer fits (its bank or field is gone): unknown.",
    measured=True,
    gone="a rule that was mended or removed is taken off when that is compiled",
)
BEHIND = Counter(
    "coop_rules_configuration_behind_total",
    "Times items were evaluated under an older revision than ingest had, after waiting for it.",
)
DEFERRED = Counter(
    "coop_rules_deferred_total",
    "Evaluations that the fast lane could not decide and handed to another.",
    ["lane"],
)
UNDER_WAY = Level(
    "coop_rules_deferred_under_way",
    "Evaluations of a lane that wait for their values.",
    ["lane"],
    together="sum",
    gone="an evaluation that ended is taken off, however it ended",
)
LANE_SECONDS = Histogram(
    "coop_rules_deferred_seconds",
    "Time from taking up a deferred evaluation to its result's acknowledgement.",
    ["lane"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120),
)
SHED = Counter(
    "coop_rules_remote_values_shed_total",
    "Remote values not asked for, because too many of the organisation's evaluations wait.",
)
MEDIA_AWAITED = Counter(
    "coop_rules_media_awaited_total",
    "Evaluations that waited for media values: came, or missing at the deadline.",
    ["outcome"],
)
VERDICTS = Counter(
    "coop_rules_verdicts_total",
    "What the rules said, for requests that wait for it: told (published in Redis), lost (Redis is "
    "away) or dropped (too many to tell).",
    ["outcome"],
)
TRIPPED = Counter(
    "coop_rules_tripped_total",
    "Rules stopped because they went past a ceiling: actions (a minute) or users (an hour).",
    ["measure"],
)
STORE_FAILURES = Counter(
    "coop_rules_strikes_unknown_total", "Batches evaluated without strikes: Redis did not answer."
)
REBUILDING = Level(
    "coop_rules_rebuilding",
    "Whether what Redis lost is being rebuilt here; evaluation that needs it waits.",
    ["region"],
    together="each",
    gone="0 once rebuilt or given up",
)
REBUILDS = Counter(
    "coop_rules_rebuilds_total", "Rebuilds of what Redis lost: quota or count.", ["region"]
)
BACKTESTS = Level(
    "coop_rules_backtests",
    "Backtests and retroactions that are not finished.",
    measured=True,
    together="sum",
    gone="said by who has the partition of the request; what is given away is taken off",
)
BACKTESTS_ENDED = Counter(
    "coop_rules_backtests_ended_total", "Backtests and retroactions that ended.", ["state"]
)
BACKTEST_ITEMS = Counter("coop_rules_backtest_items_total", "Past items judged again.")
BACKTEST_RETRIES = Counter(
    "coop_rules_backtest_retries_total", "Times a backtest waited for the broker."
)
