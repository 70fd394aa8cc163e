"""The metrics of signals from outside. `provider` is a built-in one or an installed plugin's id."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from coop_runtime.process.level import Level

VALUES = Counter(
    "coop_signal_values_total",
    "Values asked for, by outcome: score, or why there is none: not_configured, account_refused, "
    "input_refused, media_unavailable, timeout, rate_limited, unavailable, error (a fault of the "
    "code; an alarm).",
    ["provider", "outcome"],
)
CALLS = Counter(
    "coop_signal_calls_total",
    "Attempts to call a provider, by outcome: answered, account_refused, input_refused, timeout, "
    "rate_limited, unavailable, error.",
    ["provider", "outcome"],
)
CALL_SECONDS = Histogram(
    "coop_signal_call_seconds",
    "Time of one attempt, whatever came of it.",
    ["provider"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
CALLS_UNDER_WAY = Level(
    "coop_signal_calls_under_way",
    "Attempts under way.",
    ["provider"],
    together="sum",
    gone="an attempt that ended is taken off, however it ended",
)
RETRIES = Counter(
    "coop_signal_retries_total",
    "Attempts that followed a failed one of the same call.",
    ["provider"],
)
ANSWERS = Counter(
    "coop_signal_answers_total",
    "Where answers came from: memory, redis, shared (a call that was under way), call.",
    ["provider", "source"],
)
CACHE_BYTES = Level(
    "coop_signal_cache_bytes",
    "Size of the answers kept in memory.",
    together="sum",
    gone="what was dropped is taken off",
)
CACHE_ERRORS = Counter(
    "coop_signal_cache_errors_total", "Failed reads and writes of the cache in Redis."
)
BREAKER_CHANGES = Counter(
    "coop_signal_breaker_changes_total",
    "Changes of circuit breakers (one per organisation and provider), by the new state.",
    ["provider", "state"],
)
BREAKERS_OPEN = Level(
    "coop_signal_breakers_open",
    "Organisations for which the provider is not called.",
    ["provider"],
    together="each",
    measured=True,
    gone="an organisation counts until its wait is over",
)
DOWNLOADS = Counter(
    "coop_signal_downloads_total",
    "Downloads of media from platforms, by outcome: had, refused, unavailable.",
    ["outcome"],
)
DOWNLOAD_BYTES = Level(
    "coop_signal_download_bytes",
    "Memory reserved for media being judged.",
    together="sum",
    gone="a download that ended is taken off, however it ended",
)
STRIKE_FAILURES = Counter(
    "coop_signal_strike_failures_total",
    "Times that Redis did not say what strikes users have; the values were unavailable.",
)
PLUGINS = Level(
    "coop_signal_plugins",
    "Installed plugins, by state: loaded, broken.",
    ["state"],
    measured=True,
    together="each",
    gone="counted at the start; a plugin is removed by a restart",
)
MEDIA_SIGNALS = Counter(
    "coop_signal_media_records_total",
    "Records of media values: read, repeated (the first counts) or undecodable.",
    ["outcome"],
)
